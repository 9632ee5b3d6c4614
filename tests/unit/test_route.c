/* Routes as tables: which entry wins, in which order its targets come, how MX hosts are ordered and
 * which addresses DNS may not send us to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/route.h"

/* clang-format off */
static const char routes[] =
    "{\"domain\":\"Exact.test\",\"targets\":[{\"host\":\"exact.hub.test\",\"port\":2525}]},"
    "{\"domain\":\".exact.test\",\"targets\":[{\"host\":\"Below.Hub.test\"}]},"
    "{\"domain\":\".deep.exact.test\",\"targets\":[{\"host\":\"[IPv6:2001:DB8:0::1]\",\"port\":65535}]},"
    "{\"domain\":\"ordered.example\",\"targets\":["
        "{\"host\":\"c.test\",\"priority\":65535},{\"host\":\"[192.0.2.1]\",\"priority\":0},"
        "{\"host\":\"b.test\",\"priority\":20}]}";

static const char route_all[] = ",{\"domain\":\"ALL\",\"targets\":[{\"host\":\"all.hub.test\"}]}";

/* 256 octets below exact.test: no domain */
#define TEN "123456789."
#define FIFTY TEN TEN TEN TEN TEN
#define TOO_LONG FIFTY FIFTY FIFTY FIFTY TEN TEN TEN TEN "12345.exact.test"

static const struct {
    const char *domain;
    const char *host; /* NULL: no route unless there is ALL */
    uint16_t port;
    const char *ip;
} cases[] = {
    {"exact.test",          "exact.hub.test",     2525,  "none"},
    {"EXACT.test",          "exact.hub.test",     2525,  "none"},
    {"a.exact.test",        "below.hub.test",     25,    "none"},
    {"a.b.exact.test",      "below.hub.test",     25,    "none"},
    {"deep.exact.test",     "below.hub.test",     25,    "none"},
    {"x.Deep.exact.test",   "[IPv6:2001:db8::1]", 65535, "2001:db8::1"},
    {"x.y.deep.exact.test", "[IPv6:2001:db8::1]", 65535, "2001:db8::1"},
    {"notexact.test",       NULL, 0, NULL},
    {"test",                NULL, 0, NULL},
    {"all",                 NULL, 0, NULL},
    {"[192.0.2.1]",         NULL, 0, NULL},
    {"[x.exact.test",       NULL, 0, NULL},
    {"",                    NULL, 0, NULL},
    {TOO_LONG,              NULL, 0, NULL},
};

static const char deny[] =
    "\"127.0.0.0/8\",\"::1\",\"169.254.0.0/16\",\"fe80::/10\",\"10.1.2.3\"";

static const struct {
    const char *ip;
    bool is_denied;
} deny_cases[] = {
    {"127.0.0.1",        true},
    {"127.255.255.255",  true},
    {"::ffff:127.0.0.1", true}, /* the same host */
    {"128.0.0.0",        false},
    {"::1",              true},
    {"::2",              false},
    {"169.254.7.7",      true},
    {"fe80::1",          true},
    {"febf::1",          true},
    {"fec0::1",          false},
    {"10.1.2.3",         true},
    {"10.1.2.4",         false},
    {"192.0.2.1",        false},
};
/* clang-format on */

static const struct config *load(const char *first, const char *second, const char *denied)
{
    struct buf text;
    struct config_errors errors;
    buf_init(&text, 0);
    config_errors_init(&errors);
    buf_printf(&text,
               "{\"system\":{\"hostname\":\"gw.example.test\"},"
               "\"delivery\":{\"next_hop_deny\":[%s]},"
               "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"preferred\","
               "\"max_connections\":5,\"max_messages_per_connection\":5}],"
               "\"smtp-routes\":[%s%s]}",
               denied, first, second);
    struct config *config = config_load(buf_slice(&text), &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    config_errors_finish(&errors);
    buf_finish(&text);
    assert_non_null(config);
    return config;
}

static void check_case(const struct config *config, size_t i, const char *otherwise)
{
    struct clock_fake fake;
    struct route_target target;
    char ip[IP_TEXT_MAX];
    const char *host = cases[i].host == NULL ? otherwise : cases[i].host;
    clock_fake_init(&fake, 0);
    size_t count = route_find(config, &fake.clock, slice_str(cases[i].domain), &target, 1);
    if (count != (host == NULL ? 0 : 1))
        fail_msg("\"%s\": %zu targets", cases[i].domain, count);
    if (host == NULL)
        return;
    assert_string_equal(target.host, host);
    assert_int_equal(target.port, cases[i].host == NULL ? 25 : cases[i].port);
    assert_string_equal(ip_format(&target.ip, ip), cases[i].host == NULL ? "none" : cases[i].ip);
}

static void test_most_specific(void **state)
{
    (void)state;
    const struct config *without = load(routes, "", ""), *with = load(routes, route_all, "");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_case(without, i, NULL);
        check_case(with, i, "all.hub.test");
    }
    config_unref(without);
    config_unref(with);
}

static void test_priorities(void **state)
{
    (void)state;
    static const char *const hosts[] = {"[192.0.2.1]", "b.test", "c.test"};
    const struct config *config = load(routes, "", "");
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    for (size_t max = 0; max <= 4; max++) {
        struct route_target targets[4];
        size_t expected = max < 3 ? max : 3;
        memset(targets, 0xff, sizeof(targets));
        assert_int_equal(route_find(config, &fake.clock, SLICE("ordered.example"), targets, max),
                         expected);
        for (size_t i = 0; i < expected; i++) {
            assert_string_equal(targets[i].host, hosts[i]);
            assert_int_equal(targets[i].ip.family, i == 0 ? 4 : 0);
        }
        if (expected < 4)
            assert_int_equal(targets[expected].port, UINT16_MAX);
    }
    config_unref(config);
}

/* As many targets as a route may have, two priorities: each equal host comes first now and then. */
static void test_most_targets(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    buf_append_str(&text, "{\"domain\":\"many.test\",\"targets\":[");
    for (unsigned i = 0; i < ROUTE_TARGETS_MAX; i++)
        buf_printf(&text, "%s{\"host\":\"h%u.test\",\"port\":%u,\"priority\":%u}",
                   i == 0 ? "" : ",", i, 1000 + i, i % 2 == 0 ? 7u : 3u);
    buf_append_str(&text, "]}");
    const struct config *config = load(buf_cstr(&text), "", "");
    struct clock_fake fake;
    unsigned firsts[ROUTE_TARGETS_MAX] = {0};
    clock_fake_init(&fake, 0);
    for (unsigned round = 0; round < 3200; round++) {
        struct route_target targets[ROUTE_TARGETS_MAX];
        bool seen[ROUTE_TARGETS_MAX] = {false};
        size_t count =
            route_find(config, &fake.clock, SLICE("many.test"), targets, ROUTE_TARGETS_MAX);
        assert_int_equal(count, ROUTE_TARGETS_MAX);
        for (size_t i = 0; i < count; i++) {
            size_t which = targets[i].port - 1000u;
            assert_int_equal(which % 2, i < ROUTE_TARGETS_MAX / 2 ? 1 : 0);
            assert_false(seen[which]);
            seen[which] = true;
        }
        firsts[targets[0].port - 1000u]++;
    }
    for (size_t i = 1; i < ROUTE_TARGETS_MAX; i += 2)
        assert_in_range(firsts[i], 50, 200); /* 100 on average */
    config_unref(config);
    buf_finish(&text);
}

/* All orders of three equal hosts are equally likely, those around them stay where they belong. */
static void test_order_hosts(void **state)
{
    (void)state;
    unsigned orders[64] = {0}, kinds = 0;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    for (unsigned round = 0; round < 6000; round++) {
        struct route_host hosts[] = {{10, 0}, {65535, 4}, {10, 1}, {0, 3}, {10, 2}};
        route_order_hosts(&fake.clock, hosts, ARRAY_LEN(hosts));
        assert_int_equal(hosts[0].index, 3);
        assert_int_equal(hosts[4].index, 4);
        assert_int_equal(hosts[1].index + hosts[2].index + hosts[3].index, 3);
        orders[hosts[1].index * 16 + hosts[2].index * 4 + hosts[3].index]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (orders[i] == 0)
            continue;
        kinds++;
        assert_in_range(orders[i], 850, 1150); /* 1000 on average */
    }
    assert_int_equal(kinds, 6);
    route_order_hosts(&fake.clock, NULL, 0);
}

static void test_denied(void **state)
{
    (void)state;
    const struct config *config = load("", "", deny), *open = load("", "", "");
    struct ip none = {0};
    for (size_t i = 0; i < ARRAY_LEN(deny_cases); i++) {
        struct ip ip;
        assert_true(ip_parse(slice_str(deny_cases[i].ip), &ip));
        if (route_is_denied(config, &ip) != deny_cases[i].is_denied)
            fail_msg("%s", deny_cases[i].ip);
        assert_false(route_is_denied(open, &ip));
    }
    assert_false(route_is_denied(config, &none));
    config_unref(config);
    config_unref(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_specific), cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_most_targets),  cmocka_unit_test(test_order_hosts),
        cmocka_unit_test(test_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
