/* Every deadline of limits.h on both sides of the gateway, on the fake clock. Each has two tests in
 * one: silence, and a peer that sends (or reads) a little before each moment and is cut all the
 * same, because deadlines are per command and per message, never per read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "scene.h"

enum { TRICKLES = 10, MIB = 1048576, SMALL_BYTES = 65536, CLOSING_MS = 10000, IDLE_MS = 5000 };

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25,"
    "   \"certificate\": \"Own\"},"
    "  {\"name\": \"Small\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26}],"
    " \"sender-groups\": ["
    CONFIG_HAT("Private", "Relayed") ","
    CONFIG_HAT("Small", "Limited") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Limited\", \"action\": \"relay\", \"max_message_size\": 65536},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 86400,"
    "   \"max_retry_s\": 86400}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .has_certificate = true}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

/* --- the client in front --- */

static void begin(struct client *c, const char *listener, const char *commands)
{
    client_connect(c, &gateway, listener);
    (void)client_say(c, "EHLO client.example\r\n");
    if (commands[0] != '\0')
        (void)client_say(c, commands);
}

#define TO_DATA "MAIL FROM:<me@near.test>\r\nRCPT TO:<you@far.test>\r\nDATA\r\n"

/* Open until LIMIT_MS from now, then cut with 421; TRICKLE is sent every tenth of it. */
static void assert_cut_after(struct client *c, uint64_t limit_ms, const char *trickle)
{
    for (uint64_t i = 0; i < TRICKLES; i++) {
        assert_false(gateway_logged(&gateway, "no messages injected within timeout period"));
        assert_false(c->is_closed);
        assert_string_equal(client_say(c, trickle), "");
        gateway_wait(&gateway, limit_ms / TRICKLES - (i == TRICKLES - 1 ? 1 : 0));
    }
    assert_false(gateway_logged(&gateway, "no messages injected within timeout period"));
    gateway_wait(&gateway, 1);
    assert_has(client_hear(c), "421 4.4.2 mail.example.test Timeout");
    gateway_assert_logged(&gateway, "no messages injected within timeout period");
    client_finish(c);
}

static void test_command(void **state)
{
    static const struct {
        const char *commands, *trickle;
        bool is_tls;
    } cases[] = {
        {"", "", false},
        {"", "N", false},
        {"MAIL FROM:<me@near.test>\r\n", "", false},
        {"MAIL FROM:<me@near.test>\r\nRCPT TO:<you@far.test>\r\n", "D", false},
        {"", "N", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client c;
        if (i > 0) {
            scene_again(state);
        }
        begin(&c, "Private", cases[i].commands);
        if (cases[i].is_tls) {
            (void)client_say(&c, "STARTTLS\r\n");
            client_start_tls(&c, tls_peer_client(NULL));
        }
        assert_cut_after(&c, LIMIT_SMTP_COMMAND_MS, cases[i].trickle);
        if (strstr(cases[i].commands, "MAIL") != NULL)
            gateway_assert_logged(&gateway, "Message finished MID 1 aborted");
    }
}

/* A whole command moves it, and only that. */
static void test_command_in_time(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Private", "");
    for (int i = 0; i < 3; i++) {
        gateway_wait(&gateway, LIMIT_SMTP_COMMAND_MS - 1);
        assert_has(client_say(&c, "NOOP\r\n"), "250 2.0.0");
    }
    assert_cut_after(&c, LIMIT_SMTP_COMMAND_MS, "N");
}

static void test_message(void **state)
{
    static const char *const trickles[] = {"", "x", "x\r\n", ".\r"};

    for (size_t i = 0; i < ARRAY_LEN(trickles); i++) {
        struct client c;
        if (i > 0) {
            scene_again(state);
        }
        begin(&c, "Private", TO_DATA);
        assert_cut_after(&c, LIMIT_SMTP_MESSAGE_MS, trickles[i]);
        gateway_assert_logged(&gateway, "Message finished MID 1 aborted");
        assert_false(gateway_logged(&gateway, "queued for delivery"));
    }
}

/* Sends COUNT bytes of text in lines. */
static void send_text(struct client *c, size_t count)
{
    char *text = mem_alloc(count + 1);

    for (size_t i = 0; i < count; i++)
        text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
    text[count] = '\0';
    (void)client_say(c, text);
    free(text);
}

/* What came buys time at the least rate; not what lies beyond the size that is taken. */
static void test_large_message(void **state)
{
    struct client c;

    begin(&c, "Private", TO_DATA);
    send_text(&c, 3 * MIB);
    assert_cut_after(&c, LIMIT_SMTP_MESSAGE_MS + 2 * MIB * 1000ULL / LIMIT_SMTP_MESSAGE_MIN_RATE,
                     "");
    scene_again(state);
    begin(&c, "Small", TO_DATA);
    send_text(&c, 3 * MIB);
    assert_cut_after(&c, LIMIT_SMTP_MESSAGE_MS, "x");
}

/* It goes on asking and reads no answer. */
static void test_reply_not_read(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Private", "");
    pair_set_window(c.pair, pair_a(c.pair), 0);
    (void)client_say(&c, "NOOP\r\n"); /* is with the kernel */
    (void)client_say(&c, "NOOP\r\n");
    for (int i = 0; i < TRICKLES; i++) {
        assert_false(gateway_logged(&gateway, "ICID 1 close"));
        gateway_wait(&gateway, LIMIT_SMTP_REPLY_WRITE_MS / TRICKLES);
        pair_set_window(c.pair, pair_a(c.pair), 1);
        (void)client_say(&c, "NOOP\r\n");
    }
    gateway_wait(&gateway, CLOSING_MS);
    gateway_assert_logged(&gateway, "ICID 1 close");
    client_finish(&c);
}

/* The last reply cannot leave: the connection is cut soon. */
static void test_goodbye_not_read(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Private", "");
    pair_set_window(c.pair, pair_a(c.pair), 0);
    (void)client_say(&c, "QUIT\r\n");
    gateway_wait(&gateway, CLOSING_MS - 1);
    assert_false(gateway_logged(&gateway, "ICID 1 close"));
    gateway_wait(&gateway, 1);
    gateway_assert_logged(&gateway, "ICID 1 close");
    client_finish(&c);
}

/* What waits is said before the end. */
static void test_goodbye_read_late(void **state)
{
    struct client c;

    (void)state;
    begin(&c, "Private", "");
    pair_set_window(c.pair, pair_a(c.pair), 0);
    (void)client_say(&c, "NOOP\r\n");
    (void)client_say(&c, "HELP\r\nQUIT\r\n");
    gateway_wait(&gateway, CLOSING_MS - 1);
    pair_set_window(c.pair, pair_a(c.pair), SIZE_MAX);
    assert_string_equal(
        client_hear(&c),
        "250 2.0.0 ok\r\n214 2.0.0 See RFC 5321\r\n221 2.0.0 mail.example.test\r\n");
    client_finish(&c);
}

/* --- the next hop behind --- */

static void send_small(void)
{
    gateway_send(&gateway, "Private", "me@near.test", "you@far.test", "Subject: s\r\n\r\nhello");
}

/* The connection HOP is open until LIMIT_MS from now, then given up; SAYS is a start of a reply of
 * which a byte comes every tenth of the time. */
static void assert_given_up_after(struct next_hop *hop, uint64_t limit_ms, const char *says)
{
    for (uint64_t i = 0; i < TRICKLES; i++) {
        const char byte[2] = {says[0], '\0'};
        next_hop_say(hop, byte);
        says += says[0] == '\0' ? 0 : 1;
        gateway_wait(&gateway, limit_ms / TRICKLES - (i == TRICKLES - 1 ? 1 : 0));
    }
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
    assert_false(hop->is_closed);
    gateway_wait(&gateway, 1);
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 1);
    gateway_assert_logged(&gateway, "4.4.1 - No answer from host ('000', ['timeout'])");
    gateway_wait(&gateway, CLOSING_MS);
    assert_true(hop->is_closed);
    gateway_assert_logged(&gateway, "DCID 1 close");
}

static void test_replies_of_a_next_hop(void **state)
{
    static const struct {
        enum next_hop_verb verb;
        uint64_t limit_ms;
    } cases[] = {
        {NEXT_HOP_GREETING, LIMIT_SMTP_GREETING_MS}, {NEXT_HOP_EHLO, LIMIT_SMTP_MAIL_MS},
        {NEXT_HOP_MAIL, LIMIT_SMTP_MAIL_MS},         {NEXT_HOP_RCPT, LIMIT_SMTP_RCPT_MS},
        {NEXT_HOP_DATA, LIMIT_SMTP_DATA_INIT_MS},    {NEXT_HOP_DOT, LIMIT_SMTP_DATA_END_MS},
    };
    static const char *const says[] = {"", "250-aaaaaaaaaaaaa"};

    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(says); i++) {
        if (i > 0) {
            scene_again(state);
        }
        plan->replies[cases[i / 2].verb] = "";
        send_small();
        assert_int_equal(next_hop_count, 1);
        assert_given_up_after(&next_hops[0], cases[i / 2].limit_ms, says[i % 2]);
    }
}

/* The message after one that was refused begins with RSET. */
static void test_reset_of_a_next_hop(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_DATA] = "554 5.7.1 not that one\r\n";
    plan->replies[NEXT_HOP_RSET] = "";
    /* The report goes the same way. */
    gateway_send(&gateway, "Private", "me@far.test", "you@far.test", "Subject: s\r\n\r\nhello");
    gateway_assert_logged(&gateway, "Bounced: DCID 1 MID 1");
    assert_has(next_hop_got(&next_hops[0]), "RSET\r\n");
    assert_given_up_after(&next_hops[0], LIMIT_SMTP_MAIL_MS, "");
}

static void test_goodbye_of_a_next_hop(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_QUIT] = "";
    send_small();
    gateway_wait(&gateway, IDLE_MS - 1);
    assert_null(strstr(next_hop_got(&next_hops[0]), "QUIT"));
    gateway_wait(&gateway, 1);
    assert_has(next_hop_got(&next_hops[0]), "QUIT\r\n");
    gateway_wait(&gateway, LIMIT_SMTP_CONNECT_MS - 1);
    assert_false(next_hops[0].is_closed);
    gateway_wait(&gateway, 1);
    gateway_wait(&gateway, CLOSING_MS);
    assert_true(next_hops[0].is_closed);
    gateway_assert_logged(&gateway, "Message finished MID 1 done");
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
}

static void send_large(void)
{
    struct client c;

    begin(&c, "Private", TO_DATA);
    send_text(&c, 8 * LIMIT_BODY_CHUNK);
    assert_has(client_say(&c, "\r\n.\r\n"), "accepted");
    client_abort(&c);
}

/* Reads a few bytes now and then. */
static void test_text_not_read(void **state)
{
    (void)state;
    plan->takes = 1000;
    send_large();
    for (int i = 0; i < TRICKLES; i++) {
        assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
        gateway_wait(&gateway, LIMIT_SMTP_DATA_BLOCK_MS / TRICKLES - (i == TRICKLES - 1 ? 1 : 0));
        pair_set_window(next_hops[0].pair, pair_a(next_hops[0].pair), 1000);
    }
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
    gateway_wait(&gateway, 1);
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 1);
    gateway_wait(&gateway, CLOSING_MS);
    assert_true(next_hops[0].is_closed);
    assert_false(gateway_logged(&gateway, "Message done"));
}

/* As slow as that for the whole message is allowed, block after block. */
static void test_text_read_slowly(void **state)
{
    (void)state;
    plan->takes = 1000;
    send_large();
    for (int i = 0; i < 10 && !gateway_logged(&gateway, "Message done"); i++) {
        gateway_wait(&gateway, LIMIT_SMTP_DATA_BLOCK_MS - 1000);
        pair_set_window(next_hops[0].pair, pair_a(next_hops[0].pair), 3 * LIMIT_BODY_CHUNK / 2);
        gateway_settle(&gateway);
    }
    gateway_assert_logged(&gateway, "Message done DCID 1 MID 1");
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_command, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_command_in_time, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_message, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_large_message, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_reply_not_read, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_goodbye_not_read, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_goodbye_read_late, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_replies_of_a_next_hop, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_reset_of_a_next_hop, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_goodbye_of_a_next_hop, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_text_not_read, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_text_read_slowly, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
