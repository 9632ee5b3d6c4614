/* A message out again: retries on the fake clock, a refused connection, the report to the sender,
 * and that none is ever answered with another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "scene.h"

enum { RETRY_S = 60, QUEUE_S = 600 };

static const char config[] =
    "{\"system\": {\"hostname\": \"mail.example.test\"},"
    " \"interfaces\": [{\"name\": \"If\", \"address\": \"192.0.2.1\","
    "                 \"hostname\": \"mail.example.test\"}],"
    " \"listeners\": ["
    "  {\"name\": \"Private\", \"type\": \"private\", \"interface\": \"If\", \"port\": 26}],"
    " \"sender-groups\": ["
    "  {\"listener\": \"Private\", \"name\": \"R\", \"senders\": [{\"sender\": \"192.0.2.0/24\"}],"
    "   \"policy\": \"Relayed\"},"
    "  {\"listener\": \"Private\", \"name\": \"A\", \"senders\": [{\"sender\": \"ALL\"}],"
    "   \"policy\": \"Blocked\"}],"
    " \"mail-flow-policies\": [{\"name\": \"Relayed\", \"action\": \"relay\"},"
    "  {\"name\": \"Blocked\", \"action\": \"reject\"}],"
    " \"smtp-routes\": [{\"domain\": \"ALL\","
    "   \"targets\": [{\"host\": \"[192.0.2.2]\", \"port\": 25}]}],"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60, \"max_time_in_queue_s\": 600}],"
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";

const struct scene scene = {.gateway = {.config_json = config}};

static struct next_hop_plan *const plan = &next_hop_plans[0];

static void send_from(const char *sender)
{
    gateway_send(&gateway, "Private", sender, "you@far.test", "Subject: s\r\n\r\nhello");
}

static void test_delivered(void **state)
{
    (void)state;
    send_from("me@near.test");
    assert_int_equal(next_hop_count, 1);
    assert_non_null(strstr(next_hop_got(&next_hops[0]), "MAIL FROM:<me@near.test>"));
    assert_non_null(strstr(next_hop_got(&next_hops[0]), "\r\n\r\nhello\r\n.\r\n"));
    scene_assert_line("Message done DCID 1 MID 1 to RID [0]");
    scene_assert_line("Message finished MID 1 done");
}

static void test_refused_is_delayed_and_tried_again(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    send_from("me@near.test");
    scene_assert_line("Delayed: DCID ");
    assert_int_equal(next_hop_count, 1);
    plan->manner = NEXT_HOP_ANSWERS;
    gateway_wait(&gateway, RETRY_S * 1000 / 2); /* the wait is 60 s, give or take a tenth */
    assert_int_equal(next_hop_count, 1);
    gateway_wait(&gateway, RETRY_S * 1000);
    assert_int_equal(next_hop_count, 2);
    scene_assert_line("Message finished MID 1 done");
    assert_int_equal(scene_count_lines("Bounced:"), 0);
}

static void test_silent_greeting_ends_at_its_deadline(void **state)
{
    (void)state;
    plan->replies[NEXT_HOP_GREETING] = "";
    send_from("me@near.test");
    gateway_wait(&gateway, LIMIT_SMTP_GREETING_MS - 1000);
    assert_int_equal(scene_count_lines("Delayed:"), 0);
    gateway_wait(&gateway, 2000);
    gateway_wait(&gateway, 15000); /* our FIN is not answered: it is cut */
    assert_int_equal(scene_count_lines("Delayed:"), 1);
}

static void test_report_goes_to_the_sender(void **state)
{
    (void)state;
    plan->refused = "@far.test";
    send_from("me@near.test");
    scene_assert_line("Bounced: DCID 1 MID 1");
    scene_assert_line("MID 2 was generated for bounce of MID 1");
    scene_assert_line("Message finished MID 2 done");
    bool is_seen = false;
    for (size_t i = 0; i < next_hop_count; i++) {
        const char *got = next_hop_got(&next_hops[i]);
        is_seen = is_seen || (strstr(got, "MAIL FROM:<>") != NULL &&
                              strstr(got, "RCPT TO:<me@near.test>") != NULL &&
                              strstr(got, "Diagnostic-Code: smtp; 550 5.1.1 nobody") != NULL);
    }
    assert_true(is_seen);
}

static void test_no_report_on_a_report(void **state)
{
    (void)state;
    plan->refused = "@";
    send_from("");
    scene_assert_line("Double bounce: MID 1");
    assert_int_equal(scene_count_lines("was generated for bounce"), 0);

    send_from("me@near.test"); /* and not on one of our own either */
    assert_int_equal(scene_count_lines("was generated for bounce"), 1);
    assert_int_equal(scene_count_lines("Double bounce:"), 2);
}

static void test_too_long_in_the_queue(void **state)
{
    (void)state;
    plan->manner = NEXT_HOP_REFUSES;
    send_from("me@near.test");
    for (int s = 0; s < QUEUE_S + 2 * RETRY_S && scene_count_lines("Bounced:") == 0;
         s += RETRY_S / 2)
        gateway_wait(&gateway, RETRY_S * 1000 / 2);
    plan->manner = NEXT_HOP_ANSWERS;
    gateway_wait(&gateway, 3 * RETRY_S * 1000); /* the destination rests after its last failure */
    assert_int_equal(scene_count_lines("Bounced:"), 1);
    assert_int_equal(scene_count_lines("was generated for bounce"), 1);
    scene_assert_line("Message finished MID 2 done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivered, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_refused_is_delayed_and_tried_again, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_silent_greeting_ends_at_its_deadline, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_report_goes_to_the_sender, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_report_on_a_report, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_in_the_queue, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
