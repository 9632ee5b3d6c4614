/* Later, and when not any more: the curve of the bounce profile, its end by time and by tries with
 * the report that follows, one probe for a destination that is down, each recipient by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scene.h"

enum { INITIAL_S = 60, MAX_S = 240, QUEUE_S = 1800, FEW_RETRIES = 2, CLOSING_MS = 10000 };

/* clang-format off */
static const char config[] =
    "{" CONFIG_SYSTEM ","
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 25}],"
    " \"sender-groups\": [" CONFIG_HAT("Private", "Relayed") "],"
    " \"mail-flow-policies\": ["
    "  {\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": ["
    "  {\"domain\": \"ALL\", \"targets\": [{\"host\": \"[192.0.2.2]\"}]},"
    "  {\"domain\": \"other.test\", \"targets\": [{\"host\": \"[192.0.2.3]\"}]},"
    "  {\"domain\": \"near.test\", \"targets\": [{\"host\": \"[192.0.2.5]\"}]}],"
    " \"bounce-profiles\": ["
    "  {\"name\": \"Default\", \"initial_retry_s\": 60, \"max_retry_s\": 240,"
    "   \"max_time_in_queue_s\": 1800},"
    "  {\"name\": \"Few\", \"initial_retry_s\": 60, \"max_retry_s\": 240, \"max_retries\": 2},"
    "  {\"name\": \"Quiet\", \"max_retries\": 0, \"send_bounces\": false}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"few.test\", \"bounce_profile\": \"Few\"},"
    "  {\"domain\": \"quiet.test\", \"bounce_profile\": \"Quiet\"},"
    "  {\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

/* The connection that took a message for near.test: where reports go. */
static struct next_hop *reported(void)
{
    for (size_t i = 0; i < next_hop_count; i++)
        if (next_hops[i].target.ip.bytes[3] == 5)
            return &next_hops[i];
    fail_msg("no report in:\n%s", buf_cstr(&gateway.text));
    return NULL;
}

/* Waits of 60 s, doubling to 240 s, each give or take a tenth (backoff.h). */
static void assert_curve(size_t connections)
{
    uint64_t wait_ms = INITIAL_S * 1000;

    for (size_t i = 1; i < connections; i++) {
        uint64_t waited_ms = next_hops[i].made_ms - next_hops[i - 1].made_ms;
        assert_in_range(waited_ms, wait_ms - wait_ms / 10, wait_ms + wait_ms / 10);
        wait_ms = wait_ms * 2 < MAX_S * 1000 ? wait_ms * 2 : MAX_S * 1000;
    }
}

/* In both cases: nobody there, and a 4xx to the recipient. */
static void test_curve_and_expiry(void **state)
{
    enum { TRIES_MIN = 8 }; /* 60 + 120 + 6 * 240 = 1620 s */

    for (int i = 0; i < 2; i++) {
        if (i > 0)
            scene_again(state);
        plan->manner = i == 0 ? NEXT_HOP_REFUSES : NEXT_HOP_ANSWERS;
        plan->replies[NEXT_HOP_RCPT] = i == 0 ? NULL : "451 not now\r\n";
        scene_send_to("far.test");
        gateway_wait(&gateway, QUEUE_S * 1000 - 1);
        assert_int_equal(scene_count_lines("Bounced:"), 0);
        size_t tries = next_hop_count;
        assert_true(tries >= TRIES_MIN);
        assert_int_equal(scene_count_lines("Delayed:"), tries);
        assert_curve(tries);
        gateway_wait(&gateway, 1);
        assert_int_equal(scene_count_lines("Bounced:"), 1);
        scene_assert_line("to RID 0 - 5.4.7 - Delivery expired (message too old)");
        scene_assert_line("MID 2 was generated for bounce of MID 1");
        scene_assert_line("Message finished MID 1 done");
        scene_assert_line("Message finished MID 2 done");
        const char *report = next_hop_got(reported());
        assert_has(report, "MAIL FROM:<>");
        assert_has(report, "RCPT TO:<me@near.test>");
        assert_has(report, "Final-Recipient: rfc822; you@far.test\r\n");
        assert_has(report, "Action: failed\r\n");
        assert_has(report, "Status: 5.4.7\r\n");
        assert_has(report, i == 0 ? "connection refused" : "451 not now");
        assert_has(report, "Subject: s\r\n");
        gateway_wait(&gateway, QUEUE_S * 1000); /* and that was all */
        assert_int_equal(next_hop_count, tries + 1);
    }
}

static void test_tries_run_out(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    scene_send_to("few.test");
    gateway_wait(&gateway, QUEUE_S * 1000);
    assert_int_equal(scene_count_lines("Delayed:"), FEW_RETRIES);
    assert_int_equal(scene_count_lines("Bounced:"), 1);
    assert_curve(FEW_RETRIES + 1);
    assert_int_equal(next_hop_count, FEW_RETRIES + 2); /* the report's own as well */
    assert_has(next_hop_got(reported()), "Status: 5.4.7\r\n");
}

static void test_no_report_wanted(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    scene_send_to("quiet.test");
    assert_int_equal(scene_count_lines("Bounced:"), 1);
    scene_assert_line("Message finished MID 1 done");
    assert_int_equal(scene_count_lines("was generated for bounce"), 0);
}

static void test_others_are_not_held_back(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_UNREACHABLE;
    scene_send_to("far.test");
    scene_send_to("other.test");
    assert_int_equal(next_hop_count, 2);
    scene_assert_line("Message done DCID 2 MID 2");
}

static void test_one_probe_while_down(void **state)
{
    enum { MESSAGES = 4 };

    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    for (int i = 0; i < MESSAGES; i++)
        scene_send_to("far.test");
    assert_int_equal(next_hop_count, 1);
    gateway_wait(&gateway, 3 * INITIAL_S * 1000 + 30 * 1000);
    assert_int_equal(next_hop_count, 3);
    assert_curve(3);
    plan->manner = NEXT_HOP_ANSWERS;
    for (int s = 0; s < 2 * MAX_S && scene_count_lines("Message done") == 0; s++)
        gateway_wait(&gateway, 1000);
    assert_int_equal(scene_count_lines("Message done"),
                     MESSAGES); /* the probe's end is the others' */
    assert_int_equal(scene_count_lines("Bounced:"), 0);
}

/* A 421 while another of our connections stands means one connection less, no more than that. */
static void test_too_many_connections(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_DOT] = "";
    scene_send_to("far.test");
    plan->replies[NEXT_HOP_GREETING] = "421 too many\r\n";
    scene_send_to("far.test");
    gateway_wait(&gateway, CLOSING_MS);
    assert_int_equal(next_hop_count, 2);
    assert_int_equal(scene_count_lines("Delayed:"), 0);
    plan->replies[NEXT_HOP_DOT] = NULL;
    next_hop_say(&next_hops[0], "250 taken\r\n");
    gateway_settle(&gateway);
    scene_assert_line("Message done DCID 1 MID 1");
    scene_assert_line("Message done DCID 1 MID 2");
    assert_int_equal(next_hop_count, 2);
}

static void test_each_recipient_by_itself(void **state)
{
    static const char *const lines[] = {
        "Message done DCID 1 MID 1 to RID [0]",
        "Bounced: DCID 1 MID 1",
        "to RID 1 - 5.1.0 - Unknown address error ('550'",
        "Delayed: DCID 1 MID 1",
        "to RID 2 - 4.3.0 - ",
        NULL,
    };
    struct client c;

    (void)state;
    plan->refused = "b@far.test";
    plan->deferred = "c@far.test";
    client_connect(&c, &gateway, "Private");
    (void)client_say(&c, "EHLO x\r\nMAIL FROM:<me@near.test>\r\nRCPT TO:<a@far.test>\r\n"
                         "RCPT TO:<b@far.test>\r\nRCPT TO:<c@far.test>\r\n"
                         "RCPT TO:<d@other.test>\r\nDATA\r\n");
    assert_has(client_say(&c, "Subject: s\r\n\r\nhello\r\n.\r\n"), "accepted");
    client_abort(&c);
    gateway_assert_logged_in_order(&gateway, lines);
    scene_assert_line("to RID [3]");
    assert_int_equal(scene_count_lines("Message finished MID 1"), 0);
    plan->deferred = NULL;
    gateway_wait(&gateway, 2 * INITIAL_S * 1000);
    const char *got = next_hop_got(&next_hops[next_hop_count - 1]);
    assert_has(got, "MAIL FROM:<me@near.test>\r\nRCPT TO:<c@far.test>\r\nDATA\r\n");
    scene_assert_line("to RID [2]");
    scene_assert_line("Message finished MID 1 done");
    const char *report = next_hop_got(reported());
    assert_has(report, "b@far.test");
    assert_null(strstr(report, "a@far.test"));
    assert_null(strstr(report, "c@far.test"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_curve_and_expiry, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_tries_run_out, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_report_wanted, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_others_are_not_held_back, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_one_probe_while_down, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_connections, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_each_recipient_by_itself, scene_set_up,
                                        scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
