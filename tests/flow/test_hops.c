/* More than one next hop, by an SMTP route and by MX: the first refuses, does not answer, says 4xx
 * or goes away, and the second is tried; what was said about the message itself or after the 220 to
 * STARTTLS is not asked twice. What DNS can answer instead of a next hop. */
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
    " \"smtp-routes\": ["
    "  {\"domain\": \"two.test\", \"targets\": ["
    "   {\"host\": \"[192.0.2.2]\", \"port\": 25, \"priority\": 1},"
    "   {\"host\": \"[192.0.2.3]\", \"port\": 2525, \"priority\": 2}]},"
    "  {\"domain\": \"strict.test\", \"targets\": ["
    "   {\"host\": \"[192.0.2.2]\", \"port\": 25, \"priority\": 1},"
    "   {\"host\": \"[192.0.2.3]\", \"port\": 2525, \"priority\": 2}]},"
    "  {\"domain\": \"near.test\", \"targets\": [{\"host\": \"[192.0.2.5]\"}]}],"
    " \"delivery\": {\"next_hop_deny\": [\"203.0.113.0/24\"]},"
    " \"bounce-profiles\": [{\"name\": \"Default\", \"initial_retry_s\": 60,"
    "   \"max_retry_s\": 60}],"
    " \"destination-controls\": ["
    "  {\"domain\": \"strict.test\", \"tls\": \"required\"},"
    "  {\"domain\": \"Default\", \"tls\": \"preferred\","
    "   \"max_connections\": 5, \"max_messages_per_connection\": 5}]}";
/* clang-format on */

const struct scene scene = {.gateway = {.config_json = config, .has_certificate = true}};

static struct next_hop_plan *const first = &next_hop_plans[0], *const second = &next_hop_plans[1];

static void assert_hop(size_t connection, uint8_t last_byte, uint16_t port)
{
    assert_true(connection < next_hop_count);
    assert_int_equal(next_hops[connection].target.ip.bytes[3], last_byte);
    assert_int_equal(next_hops[connection].target.port, port);
}

/* The first hop was tried, ERROR is in the log, then the second took the message: nothing was
 * delayed. */
static void assert_second_took_it(const char *error)
{
    const char *const lines[] = {error,
                                 "address 192.0.2.3 port 2525",
                                 "Delivery start DCID 2 MID 1",
                                 "Message done DCID 2 MID 1 to RID [0]",
                                 "Message finished MID 1 done",
                                 NULL};

    assert_int_equal(next_hop_count, 2);
    assert_hop(0, 2, 25);
    assert_hop(1, 3, 2525);
    gateway_assert_logged_in_order(&gateway, lines);
    assert_null(strstr(next_hop_got(&next_hops[0]), "MAIL"));
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
}

static void test_first_takes_it(void **state)
{
    (void)state;
    scene_send_to("two.test");
    assert_int_equal(next_hop_count, 1);
    assert_hop(0, 2, 25);
    scene_assert_line("Message done DCID 1 MID 1");
}

static void test_first_refuses(void **state)
{
    (void)state;
    first->manner = NEXT_HOP_REFUSES;
    scene_send_to("two.test");
    assert_second_took_it("Connection Error: DCID 1 domain: two.test IP: 192.0.2.2 port: 25 "
                          "details: connection refused interface: 192.0.2.1 reason: network error");
}

static void test_first_does_not_answer(void **state)
{
    (void)state;
    first->manner = NEXT_HOP_UNREACHABLE;
    scene_send_to("two.test");
    gateway_wait(&gateway, LIMIT_SMTP_CONNECT_MS - 1);
    assert_int_equal(next_hop_count, 1);
    gateway_wait(&gateway, 1);
    assert_second_took_it("details: timeout interface: 192.0.2.1 reason: connection timed out");
}

static void test_first_says_no(void **state)
{
    static const struct {
        enum next_hop_verb verb;
        const char *reply, *error;
    } cases[] = {
        {NEXT_HOP_GREETING, "421 busy\r\n", "details: 421-'busy'"},
        {NEXT_HOP_GREETING, "450 not now\r\n", "details: 450-'not now'"},
        {NEXT_HOP_GREETING, "554 go away\r\n", "details: 554-'go away'"},
        {NEXT_HOP_EHLO, "421 busy\r\n", "details: 421-'busy'"},
        {NEXT_HOP_EHLO, "451 not now\r\n", "details: 451-'not now'"},
        {NEXT_HOP_HELO, "550 go away\r\n", "details: 550-'go away'"}, /* after 500 to EHLO */
        {NEXT_HOP_STARTTLS, "421 busy\r\n", "details: 421-'busy'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (i > 0)
            scene_again(state);
        if (cases[i].verb == NEXT_HOP_HELO)
            first->replies[NEXT_HOP_EHLO] = "500 what?\r\n";
        if (cases[i].verb == NEXT_HOP_STARTTLS)
            first->tls = offered;
        first->replies[cases[i].verb] = cases[i].reply;
        scene_send_to("two.test");
        gateway_wait(&gateway, CLOSING_MS);
        assert_second_took_it(cases[i].error);
        scene_assert_line("DCID 1 close");
    }
}

static void test_first_goes_away(void **state)
{
    static const enum next_hop_verb verbs[] = {NEXT_HOP_GREETING, NEXT_HOP_EHLO, NEXT_HOP_STARTTLS};

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (i > 0)
            scene_again(state);
        first->tls = offered; /* lost before the 220: the next host */
        first->replies[verbs[i]] = NEXT_HOP_HANGS_UP;
        scene_send_to("two.test");
        gateway_wait(&gateway, CLOSING_MS);
        assert_second_took_it("details: EOF interface: 192.0.2.1 reason: network error");
    }
}

static void test_first_is_silent(void **state)
{
    (void)state;
    first->replies[NEXT_HOP_GREETING] = "";
    scene_send_to("two.test");
    gateway_wait(&gateway, LIMIT_SMTP_GREETING_MS - 1);
    assert_int_equal(next_hop_count, 1);
    gateway_wait(&gateway, CLOSING_MS);
    assert_second_took_it("details: timeout interface: 192.0.2.1 reason: connection timed out");
}

static void test_first_lacks_required_tls(void **state)
{
    for (int i = 0; i < 2; i++) {
        if (i > 0) {
            scene_again(state);
            first->tls = offered;
            first->replies[NEXT_HOP_STARTTLS] = "454 not now\r\n";
        }
        second->tls = offered;
        scene_send_to("strict.test");
        gateway_wait(&gateway, CLOSING_MS);
        assert_second_took_it("DCID 1 IP 192.0.2.2 TLS was required but could not be successfully");
        scene_assert_line("DCID 2 TLS success");
        assert_true(next_hops[1].is_tls);
    }
}

/* After the 220 the attempt has failed, not the host alone. */
static void test_failed_handshake_is_not_worked_around(void **state)
{
    (void)state;
    first->tls = offered;
    first->is_deaf = true;
    scene_send_to("two.test");
    gateway_wait(&gateway, LIMIT_SMTP_HANDSHAKE_MS + CLOSING_MS);
    assert_int_equal(next_hop_count, 1);
    scene_assert_line("Delayed: DCID 1 MID 1");
    first->is_deaf = false;
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_int_equal(next_hop_count, 2);
    assert_hop(1, 2, 25);
    scene_assert_line("Message done DCID 2 MID 1");
}

/* What was said about the message is not asked elsewhere: later, and from the first hop again. */
static void test_first_defers_the_message(void **state)
{
    static const enum next_hop_verb verbs[] = {NEXT_HOP_MAIL, NEXT_HOP_RCPT, NEXT_HOP_DATA,
                                               NEXT_HOP_DOT};

    for (size_t i = 0; i < 2 * ARRAY_LEN(verbs); i++) {
        if (i > 0)
            scene_again(state);
        first->replies[verbs[i / 2]] = i % 2 == 0 ? "451 not now\r\n" : NEXT_HOP_HANGS_UP;
        scene_send_to("two.test");
        gateway_wait(&gateway, CLOSING_MS);
        assert_int_equal(next_hop_count, 1);
        assert_int_equal(gateway_count_logged(&gateway, "Delayed: DCID 1 MID 1"), 1);
        if (i % 2 == 0)
            scene_assert_line("('451', ['not now'])");
        first->replies[verbs[i / 2]] = NULL;
        gateway_wait(&gateway, 2 * RETRY_MS);
        assert_int_equal(next_hop_count, 2);
        assert_hop(1, 2, 25);
        scene_assert_line("Message done DCID 2 MID 1");
        assert_int_equal(gateway_count_logged(&gateway, "Bounced:"), 0);
    }
}

static void test_none_takes_it(void **state)
{
    static const char *const lines[] = {
        "Connection Error: DCID 1 domain: two.test IP: 192.0.2.2 port: 25 ",
        "Connection Error: DCID 2 domain: two.test IP: 192.0.2.3 port: 2525 details: 450-'not now'",
        "Delayed: DCID 2 MID 1",
        NULL,
    };

    (void)state;
    first->manner = NEXT_HOP_REFUSES;
    second->replies[NEXT_HOP_GREETING] = "450 not now\r\n";
    scene_send_to("two.test");
    gateway_wait(&gateway, CLOSING_MS);
    assert_int_equal(next_hop_count, 2);
    gateway_assert_logged_in_order(&gateway, lines);
    assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 1);
    second->replies[NEXT_HOP_GREETING] = NULL;
    gateway_wait(&gateway, 2 * RETRY_MS);
    assert_int_equal(next_hop_count, 4);
    assert_hop(2, 2, 25);
    scene_assert_line("Message done DCID 4 MID 1");
}

/* --- DNS --- */

static void test_mx_in_order(void **state)
{
    (void)state;
    fake_resolver_set_mx(gateway.names, "mx.test",
                         "30 c.mx.test 10 gone.mx.test 20 b.mx.test 5 denied.mx.test");
    fake_resolver_set_addresses(gateway.names, "denied.mx.test", "203.0.113.7");
    fake_resolver_set_addresses(gateway.names, "b.mx.test", "192.0.2.3 192.0.2.2");
    fake_resolver_set_addresses(gateway.names, "c.mx.test", "192.0.2.4");
    first->manner = second->manner = NEXT_HOP_REFUSES;
    scene_send_to("mx.test");
    assert_int_equal(next_hop_count, 3);
    assert_hop(0, 3, 25);
    assert_hop(1, 2, 25);
    assert_hop(2, 4, 25);
    scene_assert_line("Message done DCID 3 MID 1");
}

static void test_no_mx_means_the_domain(void **state)
{
    const struct resolver_answer no_data = {.status = RESOLVER_STATUS_NO_DATA};

    (void)state;
    fake_resolver_set(gateway.names, RESOLVER_KIND_MX, "a.test", &no_data, 0);
    fake_resolver_set_addresses(gateway.names, "a.test", "192.0.2.4");
    scene_send_to("a.test");
    assert_hop(0, 4, 25);
    scene_assert_line("Message done DCID 1 MID 1");
}

static void assert_report(const char *status)
{
    scene_assert_line("MID 2 was generated for bounce of MID 1");
    scene_assert_line("Message finished MID 2 done");
    assert_int_equal(next_hop_count, 1);
    assert_hop(0, 5, 25);
    assert_has(next_hop_got(&next_hops[0]), status);
}

static void test_dns_says_never(void **state)
{
    const struct resolver_answer null_mx = {.is_null_mx = true};

    scene_send_to("gone.test"); /* nobody knows it */
    scene_assert_line(" - 5.1.2 - ");
    assert_report("Status: 5.1.2\r\n");

    scene_again(state);
    fake_resolver_set(gateway.names, RESOLVER_KIND_MX, "silent.test", &null_mx, 0);
    scene_send_to("silent.test");
    scene_assert_line(" - 5.1.10 - ");
    assert_report("Status: 5.1.10\r\n");

    scene_again(state);
    fake_resolver_set_mx(gateway.names, "own.test", "10 mail.example.test");
    scene_send_to("own.test");
    scene_assert_line(" - 5.4.6 - ");
    assert_report("Status: 5.4.6\r\n");
}

static void test_dns_does_not_say(void **state)
{
    static const enum resolver_kind kinds[] = {RESOLVER_KIND_MX, RESOLVER_KIND_ADDRESSES};
    const struct resolver_answer never = {.status = RESOLVER_STATUS_OK};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *name = kinds[i] == RESOLVER_KIND_MX ? "slow.test" : "a.slow.test";
        if (i > 0)
            scene_again(state);
        fake_resolver_set_mx(gateway.names, "slow.test", "10 a.slow.test");
        fake_resolver_set(gateway.names, kinds[i], name, &never, UINT64_MAX);
        scene_send_to("slow.test");
        gateway_wait(&gateway, LIMIT_DNS_QUERY_MS - 1);
        assert_int_equal(gateway_count_logged(&gateway, "Delayed:"), 0);
        gateway_wait(&gateway, 1);
        assert_int_equal(gateway_count_logged(&gateway, "Delayed: DCID 0 MID 1"), 1);
        scene_assert_line(" - 4.4.3 - ");
        fake_resolver_set_mx(gateway.names, "slow.test", "10 b.slow.test");
        fake_resolver_set_addresses(gateway.names, "b.slow.test", "192.0.2.2");
        gateway_wait(&gateway, 2 * RETRY_MS);
        scene_assert_line("Message done DCID 1 MID 1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_takes_it, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_refuses, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_does_not_answer, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_says_no, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_goes_away, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_is_silent, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_lacks_required_tls, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_failed_handshake_is_not_worked_around, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_first_defers_the_message, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_none_takes_it, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_mx_in_order, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_no_mx_means_the_domain, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_dns_says_never, scene_set_up, scene_tear_down),
        cmocka_unit_test_setup_teardown(test_dns_does_not_say, scene_set_up, scene_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
