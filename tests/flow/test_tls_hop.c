/* STARTTLS on the way out: next hops that offer it, do not, refuse it, fail in the handshake or
 * never end it, under each level of the destination control; never in clear what began encrypted;
 * the lines and fields of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "scene.h"

enum { RETRY_MS = 60000, CLOSING_MS = 10000 };

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25}],"
    " \"sender-groups\": [" CONFIG_HAT("Private", "Relayed") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"none.test\", \"tls\": \"none\"},"
    "  {\"domain\": \"required.test\", \"tls\": \"required\"},"
    "  {\"domain\": \"mail.example.test\", \"tls\": \"required\"},"
    "  {\"domain\": \"Default\", \"tls\": \"preferred\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .has_certificate = true},
                            .is_tls_offered = true};

static struct next_hop_plan *const plan = &next_hop_plans[0];

/* The levels, by the domain that has them. */
static const char none[] = "none.test", preferred[] = "preferred.test",
                  required[] = "required.test";

static void assert_no_line(const char *part)
{
    if (gateway_logged(&gateway, part))
        fail_msg("'%s' in:\n%s", part, buf_cstr(&gateway.text));
}

static void assert_delivered(bool is_encrypted)
{
    static const char *const lines[] = {"Delivery start DCID 1 MID 1 to RID [0]",
                                        "Message done DCID 1 MID 1 to RID [0]",
                                        "Message finished MID 1 done", NULL};

    assert_int_equal(next_hop_count, 1);
    gateway_assert_logged_in_order(&gateway, lines);
    assert_int_equal(next_hops[0].is_tls, is_encrypted);
    assert_has(next_hop_got(&next_hops[0]), "\r\n\r\nhello\r\n.\r\n");
}

/* Still queued, and the next hop has heard nothing about it. */
static void assert_kept(size_t connections)
{
    scene_assert_line("Delayed: DCID 1 MID 1");
    assert_no_line("Delivery start");
    assert_no_line("Message finished");
    assert_no_line("Bounced:");
    assert_int_equal(next_hop_count, connections);
    for (size_t i = 0; i < connections; i++)
        assert_null(strstr(next_hop_got(&next_hops[i]), "MAIL"));
}

static void assert_required_failed(const char *domain)
{
    static const char warning[] =
        "Warning: DCID 1 IP 192.0.2.2 TLS was required but could not be successfully negotiated";

    if (domain == required)
        scene_assert_line(warning);
    else
        assert_no_line("TLS was required");
}

static void test_offered(void **state)
{
    static const char *const lines[] = {
        "New SMTP DCID 1 interface 192.0.2.1 address 192.0.2.2 port 25",
        "DCID 1 TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384",
        "Delivery start DCID 1 MID 1",
        NULL,
    };

    for (int i = 0; i < 2; i++) {
        if (i > 0)
            scene_again(state);
        scene_send_to(i == 0 ? preferred : required);
        assert_delivered(true);
        gateway_assert_logged_in_order(&gateway, lines);
        gateway_assert_json(&gateway, "\"event\":\"dcid_tls_success\"");
        gateway_assert_json(&gateway, "\"verified\":false"); /* another name, nobody asked for it */
        gateway_assert_json(&gateway, "\"peer_cn\":\"mail.example.test\"");
        /* RFC 3207 4.2: and EHLO again */
        const char *got = next_hop_got(&next_hops[0]);
        assert_has(got, "EHLO mail.example.test\r\nSTARTTLS\r\nEHLO mail.example.test\r\nMAIL ");
    }
}

static void test_verified(void **state)
{
    (void)state;
    scene_send_to("mail.example.test");
    assert_delivered(true);
    gateway_assert_json(&gateway, "\"verified\":true");
    gateway_assert_json(&gateway, "\"matched_name\":\"mail.example.test\"");
}

static void test_never_under_none(void **state)
{
    (void)state;
    scene_send_to(none);
    assert_delivered(false);
    assert_null(strstr(next_hop_got(&next_hops[0]), "STARTTLS"));
    scene_assert_line("DCID 1 TLS none reason destination control");
    gateway_assert_json(&gateway, "\"tls\":\"none\",\"reason\":\"destination control\"");
}

static void test_not_offered(void **state)
{
    plan->tls = NULL;
    scene_send_to(preferred);
    assert_delivered(false);
    scene_assert_line("DCID 1 STARTTLS command not supported");
    assert_required_failed(preferred);

    scene_again(state);
    plan->tls = NULL;
    scene_send_to(required);
    gateway_wait(&gateway, CLOSING_MS);
    assert_kept(1);
    scene_assert_line("DCID 1 STARTTLS command not supported");
    assert_required_failed(required);
    assert_has(next_hop_got(&next_hops[0]), "\r\nQUIT\r\n");
    scene_assert_line("DCID 1 close");
}

static void test_no_esmtp(void **state)
{
    for (int i = 0; i < 2; i++) {
        const char *domain = i == 0 ? preferred : required;
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_EHLO] = "500 what?\r\n";
        scene_send_to(domain);
        if (domain == preferred) {
            assert_delivered(false);
            assert_has(next_hop_got(&next_hops[0]), "\r\nHELO mail.example.test\r\n");
        } else {
            gateway_wait(&gateway, CLOSING_MS);
            assert_kept(1);
        }
        scene_assert_line("DCID 1 STARTTLS command not supported");
        assert_required_failed(domain);
    }
}

static void test_refused(void **state)
{
    static const char *const replies[] = {"454 not now\r\n", "502 what?\r\n", "554 never\r\n"};

    for (size_t i = 0; i < 2 * ARRAY_LEN(replies); i++) {
        const char *domain = i % 2 == 0 ? preferred : required;
        char error[256];
        const char *const lines[] = {error, "DCID 1 TLS failed: STARTTLS unexpected response",
                                     NULL};
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_STARTTLS] = replies[i / 2];
        scene_send_to(domain);
        gateway_assert_json(&gateway, "\"tls\":\"failed\"");
        assert_required_failed(domain);
        if (domain == preferred) {
            assert_delivered(false); /* in clear, on this connection */
            scene_assert_line(lines[1]);
            assert_no_line("Connection Error");
            continue;
        }
        gateway_wait(&gateway, CLOSING_MS);
        assert_kept(1);
        (void)snprintf(error, sizeof error,
                       "Connection Error: DCID 1 domain: required.test IP: 192.0.2.2 port: 25 "
                       "details: %.3s-'%.*s' interface: 192.0.2.1 reason: unexpected SMTP response",
                       replies[i / 2], (int)strcspn(replies[i / 2] + 4, "\r"), replies[i / 2] + 4);
        gateway_assert_logged_in_order(&gateway, lines);
    }
}

/* After the 220 there is no way back to clear text, not in this attempt and not in the next. */
static void assert_retried_with_tls(const char *domain)
{
    gateway_wait(&gateway, CLOSING_MS);
    assert_kept(1);
    assert_required_failed(domain);
    scene_assert_line("DCID 1 close");
    plan->tls = offered;
    plan->is_deaf = false;
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_int_equal(next_hop_count, 2);
    assert_true(next_hops[1].is_tls);
    scene_assert_line("DCID 2 TLS success");
    scene_assert_line("Message done DCID 2 MID 1 to RID [0]");
}

static void test_handshake_fails(void **state)
{
    static const struct {
        const char *priority, *line, *field;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT",
         "DCID 1 TLS failed: (336032002, 'error:14077102:SSL routines:SSL23_GET_SERVER_HELLO:"
         "unsupported protocol')",
         "\"peer_alert\":false"},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CAMELLIA-128-CBC",
         "DCID 1 TLS failed: (336151568, 'error:14094410:SSL routines:SSL3_READ_BYTES:"
         "sslv3 alert handshake failure')",
         "\"peer_alert\":true"},
    };

    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const char *domain = i % 2 == 0 ? preferred : required;
        if (i > 0)
            scene_again(state);
        struct tls_server *other = tls_peer_server(gateway.identity, cases[i / 2].priority);
        plan->tls = other;
        scene_send_to(domain);
        scene_assert_line(cases[i / 2].line);
        gateway_assert_json(&gateway, cases[i / 2].field);
        assert_retried_with_tls(domain);
        tls_server_unref(other);
    }
}

static void test_handshake_never_ends(void **state)
{
    enum { STEPS = 10 };
    static const char flight[STEPS] = {0x16, 3, 3, 0x40, 0, 2}; /* a long ServerHello, dripping */

    for (int i = 0; i < 4; i++) {
        const char *domain = i % 2 == 0 ? preferred : required;
        if (i > 0)
            scene_again(state);
        plan->is_deaf = true;
        scene_send_to(domain);
        for (int step = 0; step < STEPS; step++) {
            assert_no_line("TLS failed");
            if (i >= 2)
                pair_inject(next_hops[0].pair, pair_b(next_hops[0].pair),
                            slice_of(&flight[step], 1));
            gateway_wait(&gateway, LIMIT_SMTP_HANDSHAKE_MS / STEPS - (step == STEPS - 1 ? 1 : 0));
        }
        assert_no_line("TLS failed");
        gateway_wait(&gateway, 1);
        scene_assert_line("DCID 1 TLS failed: (0, 'error:00000000:SSL routines:GNUTLS:"
                          "handshake timed out')");
        assert_retried_with_tls(domain);
    }
}

static void test_cut_in_the_handshake(void **state)
{
    for (int i = 0; i < 4; i++) {
        const char *domain = i % 2 == 0 ? preferred : required;
        if (i > 0)
            scene_again(state);
        plan->is_deaf = true;
        scene_send_to(domain);
        pair_inject(next_hops[0].pair, pair_b(next_hops[0].pair), SLICE("\x16\x03\x03"));
        pair_cut_after(next_hops[0].pair, pair_b(next_hops[0].pair), 0, i >= 2);
        gateway_settle(&gateway);
        scene_assert_line("DCID 1 TLS failed: (3");
        assert_retried_with_tls(domain);
    }
}

static void test_clear_text_instead(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            scene_again(state);
        plan->is_deaf = true;
        scene_send_to(i == 0 ? preferred : required);
        next_hop_say(&next_hops[0], "250 welcome, there is no need for that\r\n");
        gateway_settle(&gateway);
        scene_assert_line("DCID 1 TLS failed: (3");
        assert_retried_with_tls(i == 0 ? preferred : required);
    }
}

/* RFC 3207 4.2, from the other side. */
static void test_words_behind_the_220(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_STARTTLS] = "220 go on\r\n250 evil\r\n";
        plan->is_deaf = true;
        scene_send_to(i == 0 ? preferred : required);
        scene_assert_line("DCID 1 TLS failed: (0, 'error:00000000:SSL routines:POSTERN:"
                          "response injection')");
        plan->replies[NEXT_HOP_STARTTLS] = NULL;
        assert_retried_with_tls(i == 0 ? preferred : required);
    }
}

static void test_silent_after_starttls(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0)
            scene_again(state);
        plan->replies[NEXT_HOP_STARTTLS] = "";
        scene_send_to(i == 0 ? preferred : required);
        gateway_wait(&gateway, LIMIT_SMTP_MAIL_MS - 1);
        assert_no_line("Delayed:");
        gateway_wait(&gateway, 1);
        gateway_wait(&gateway, CLOSING_MS);
        assert_kept(1);
        scene_assert_line("details: timeout interface: 192.0.2.1 reason: connection timed out");
        assert_required_failed(i == 0 ? preferred : required);
    }
}

/* One handshake for several messages of a destination; another destination has its own. */
static void test_reused(void **state)
{
    (void)state;
    scene_send_to(preferred);
    scene_send_to(preferred);
    scene_send_to(none);
    scene_send_to(required);
    assert_int_equal(next_hop_count, 3);
    scene_assert_line("Message done DCID 1 MID 1");
    scene_assert_line("Message done DCID 1 MID 2");
    scene_assert_line("Message done DCID 2 MID 3");
    scene_assert_line("Message done DCID 3 MID 4");
    assert_true(next_hops[0].is_tls && !next_hops[1].is_tls && next_hops[2].is_tls);
    assert_int_equal(gateway_count_logged(&gateway, "TLS success"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offered, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_verified, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_never_under_none, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_not_offered, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_esmtp, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_handshake_fails, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_handshake_never_ends, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_cut_in_the_handshake, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_clear_text_instead, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_words_behind_the_220, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_silent_after_starttls, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_reused, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
