/* STARTTLS on the way in: a message over it, what is forgotten and what is not said any more, the
 * lines of a handshake that fails, is cut, is preceded by commands or never ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "scene.h"

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25,"
    "   \"certificate\": \"Own\"},"
    "  {\"name\": \"Strict\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26,"
    "   \"certificate\": \"Own\"},"
    "  {\"name\": \"Clear\", \"type\": \"private\", \"interface\": \"If\", \"port\": 27,"
    "   \"certificate\": \"Own\"}],"
    " \"sender-groups\": ["
    CONFIG_HAT("Private", "Preferred") ","
    CONFIG_HAT("Strict", "Required") ","
    CONFIG_HAT("Clear", "Off") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Preferred\", \"action\": \"relay\", \"tls\": \"preferred\","
    "   \"max_connections_per_ip\": 100},"
    "  {\"name\": \"Required\", \"action\": \"relay\", \"tls\": \"required\"},"
    "  {\"name\": \"Off\", \"action\": \"relay\", \"tls\": \"off\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\"}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .has_certificate = true}};

/* As far as the 220 to STARTTLS. */
static void ask_tls(struct client *c, const char *listener)
{
    client_connect(c, &gateway, listener);
    assert_has(client_say(c, "EHLO before.example\r\n"), "250 STARTTLS\r\n");
    assert_string_equal(client_say(c, "STARTTLS\r\n"), "220 2.0.0 Go ahead with TLS\r\n");
}

static void send_message(struct client *c)
{
    assert_has(client_say(c, "MAIL FROM:<me@near.test>\r\n"), "250 2.1.0");
    assert_has(client_say(c, "RCPT TO:<you@far.test>\r\n"), "250 2.1.5");
    assert_has(client_say(c, "DATA\r\n"), "354");
    assert_has(client_say(c, "Subject: s\r\n\r\nhello\r\n.\r\n"), "250 2.0.0 ok: Message 1 ");
}

/* The connection has ended, and the log says of its TLS and its end what REASON holds. */
static void assert_failed(struct client *c, const char *reason)
{
    const char *const lines[] = {"New SMTP ICID 1 ", reason, "ICID 1 lost", "ICID 1 close", NULL};

    assert_true(c->is_closed);
    gateway_assert_logged_in_order(&gateway, lines);
    gateway_assert_json(&gateway, "\"tls\":\"failed\"");
    assert_false(gateway_logged(&gateway, "TLS success"));
    assert_false(gateway_logged(&gateway, "TLS none"));
}

static void test_message_over_tls(void **state)
{
    static const char *const lines[] = {
        "New SMTP ICID 1 ",
        "ICID 1 RELAY SG R match 192.0.2.0/24",
        "ICID 1 TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384",
        "Start MID 1 ICID 1",
        "MID 1 queued for delivery",
        "Message done DCID 1 MID 1",
        "ICID 1 close",
        NULL,
    };
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    client_start_tls(&c, tls_peer_client(NULL));
    assert_int_equal(c.tls_count, 1);
    assert_string_equal(c.tls.text, "");
    assert_string_equal(c.tls.peer_cn, "mail.example.test");
    /* RFC 3207 4.2: as if nothing had been said */
    assert_has(client_say(&c, "MAIL FROM:<me@near.test>\r\n"), "503 5.5.1");
    const char *capabilities = client_say(&c, "EHLO after.example\r\n");
    assert_has(capabilities, "250 ENHANCEDSTATUSCODES\r\n");
    assert_null(strstr(capabilities, "STARTTLS"));
    assert_has(client_say(&c, "STARTTLS\r\n"), "503 5.5.1 TLS is already active");
    send_message(&c);
    client_finish(&c);
    gateway_assert_logged_in_order(&gateway, lines);
    assert_int_equal(gateway_count_logged(&gateway, "ICID 1 TLS"), 1);
    const char *got = next_hop_got(&next_hops[0]);
    assert_has(got, "from after.example");
    assert_has(got, "with ESMTPS");
    assert_has(got, "TLS_AES_256_GCM_SHA384");
    assert_has(got, "\r\n\r\nhello\r\n.\r\n");
}

static void test_in_single_bytes(void **state)
{
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    pair_set_piece(c.pair, 1);
    client_start_tls(&c, tls_peer_client("NORMAL:-VERS-ALL:+VERS-TLS1.2"));
    assert_true(c.tls.is_ok);
    assert_has(client_say(&c, "EHLO after.example\r\n"), "250 ENHANCEDSTATUSCODES");
    send_message(&c);
    client_finish(&c);
    gateway_assert_logged(&gateway, "ICID 1 TLS success protocol TLSv1.2 cipher ECDHE-ECDSA-");
}

static void test_many_at_once(void **state)
{
    enum { MANY = 3 * LIMIT_TLS_HANDSHAKE_STEPS };
    struct client c[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        ask_tls(&c[i], "Private");
    for (size_t i = 0; i < MANY; i++) {
        struct tls_client *tls_client = tls_peer_client(NULL);
        conn_start_tls_client(pair_b(c[i].pair), tls_client, NULL, NULL, 0);
        tls_client_unref(tls_client);
    }
    gateway_settle(&gateway);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(c[i].tls.is_ok);
        assert_has(client_say(&c[i], "EHLO after.example\r\n"), "250 ENHANCEDSTATUSCODES");
    }
    for (size_t i = 0; i < MANY; i++)
        client_abort(&c[i]);
    assert_int_equal(gateway_count_logged(&gateway, "TLS success"), MANY);
}

static void test_handshake_never_begins(void **state)
{
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    gateway_wait(&gateway, LIMIT_SMTP_HANDSHAKE_MS - 1);
    assert_false(c.is_closed);
    assert_false(gateway_logged(&gateway, "TLS failed"));
    gateway_wait(&gateway, 1);
    assert_failed(
        &c, "ICID 1 TLS failed: (0, 'error:00000000:SSL routines:GNUTLS:handshake timed out')");
    assert_string_equal(client_hear(&c), ""); /* nothing in clear */
    client_abort(&c);
}

/* The whole handshake has one deadline: bytes now and then do not move it. */
static void test_handshake_byte_by_byte(void **state)
{
    enum { STEP_MS = 1000, STEPS = LIMIT_SMTP_HANDSHAKE_MS / STEP_MS };
    static const char hello[STEPS] = {0x16, 3, 1, 2, 0, 1, 0, 1, (char)0xfc, 3, 3};
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    for (size_t i = 0; i < STEPS; i++) {
        assert_false(c.is_closed);
        pair_inject(c.pair, pair_b(c.pair), slice_of(&hello[i], 1));
        gateway_wait(&gateway, STEP_MS);
    }
    assert_failed(&c, "handshake timed out')");
    client_abort(&c);
}

static void test_no_common_version(void **state)
{
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    client_start_tls(&c, tls_peer_client("NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT"));
    assert_int_equal(c.tls_count, 1);
    assert_false(c.tls.is_ok);
    gateway_wait(&gateway, 10000);
    assert_failed(&c, "ICID 1 TLS failed: (336027906, 'error:14076102:SSL routines:"
                      "SSL23_GET_CLIENT_HELLO:unsupported protocol')");
    client_abort(&c);
}

static void test_clear_text_instead(void **state)
{
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    (void)client_say(&c, "EHLO after.example\r\nMAIL FROM:<evil@b.example>\r\n");
    gateway_wait(&gateway, 10000);
    assert_failed(&c, "SSL23_GET_CLIENT_HELLO:unknown protocol')");
    assert_false(gateway_logged(&gateway, "evil"));
    client_abort(&c);
}

static void test_cut_in_the_handshake(void **state)
{
    (void)state;
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        struct client c;
        ask_tls(&c, "Private");
        pair_cut_after(c.pair, pair_b(c.pair), 20, is_reset == 1);
        client_start_tls(&c, tls_peer_client(NULL));
        gateway_wait(&gateway, 10000);
        assert_true(c.is_closed);
        client_abort(&c);
    }
    assert_int_equal(gateway_count_logged(&gateway, "TLS failed: (3"), 2);
    assert_int_equal(gateway_count_logged(&gateway, " lost"), 2);
    assert_int_equal(gateway_count_logged(&gateway, " close"), 2);
}

/* RFC 3207 4.2: what came with STARTTLS was said by anybody. */
static void test_commands_behind_starttls(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Private");
    (void)client_say(&c, "EHLO before.example\r\n");
    assert_string_equal(client_say(&c, "STARTTLS\r\nMAIL FROM:<evil@b.example>\r\n"), "");
    gateway_wait(&gateway, 10000);
    assert_true(c.is_closed);
    gateway_assert_logged(&gateway, "STARTTLS command injection, 28 bytes before the handshake");
    gateway_assert_json(&gateway, "\"tls\":\"failed\",\"reason\":\"STARTTLS command injection\"");
    assert_false(gateway_logged(&gateway, "evil"));
    client_abort(&c);
}

static void test_required(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Strict");
    (void)client_say(&c, "EHLO before.example\r\n");
    assert_has(client_say(&c, "MAIL FROM:<me@near.test>\r\n"),
               "530 5.7.0 Must issue a STARTTLS command first");
    (void)client_say(&c, "QUIT\r\n");
    client_finish(&c);
    gateway_assert_logged(&gateway, "ICID 1 TLS was required but remote host did not initiate it");

    ask_tls(&c, "Strict");
    client_start_tls(&c, tls_peer_client(NULL));
    (void)client_say(&c, "EHLO after.example\r\n");
    send_message(&c);
    client_finish(&c);
    assert_int_equal(gateway_count_logged(&gateway, "TLS was required"), 1);
}

static void test_off(void **state)
{
    struct client c;

    (void)state;
    client_connect(&c, &gateway, "Clear");
    assert_null(strstr(client_say(&c, "EHLO before.example\r\n"), "STARTTLS"));
    assert_has(client_say(&c, "STARTTLS\r\n"), "502 5.5.1");
    send_message(&c);
    client_finish(&c);
    gateway_assert_logged(&gateway, "ICID 1 TLS none reason not offered");
    assert_has(next_hop_got(&next_hops[0]), "with ESMTP ");
}

/* Asked to stop in the middle of a handshake, it says so as soon as it can be said. */
static void test_drain_in_the_handshake(void **state)
{
    struct client c;

    (void)state;
    ask_tls(&c, "Private");
    session_drain(session_of(gateway.sessions.next));
    client_start_tls(&c, tls_peer_client(NULL));
    assert_true(c.tls.is_ok);
    assert_has(client_hear(&c), "421 4.3.2");
    client_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_message_over_tls, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_in_single_bytes, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_many_at_once, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_handshake_never_begins, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_handshake_byte_by_byte, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_common_version, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_clear_text_instead, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_cut_in_the_handshake, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_commands_behind_starttls, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_required, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_off, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_drain_in_the_handshake, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
