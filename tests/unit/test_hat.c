/* The HAT as tables: who matches which group, first match wins; then the compiled form against the
 * plain walk over the entries, on random nested networks, and its behaviour at 100,000 entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policy/hat.h"

static const char head[] =
    "{\"system\":{\"hostname\":\"gw.example.test\"},"
    "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.example.test\"}],"
    "\"listeners\":[{\"name\":\"In\",\"type\":\"private\",\"interface\":\"A\",\"port\":2525},"
    "{\"name\":\"Other\",\"type\":\"private\",\"interface\":\"A\",\"port\":2526}],"
    "\"mail-flow-policies\":[{\"name\":\"ACCEPTED\",\"action\":\"accept\"},"
    "{\"name\":\"RELAYED\",\"action\":\"relay\"},{\"name\":\"BLOCKED\",\"action\":\"reject\"}],"
    "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"preferred\","
    "\"max_connections\":500,\"max_messages_per_connection\":50}],"
    "\"bounce-profiles\":[{\"name\":\"Default\"}],"
    "\"sender-groups\":["
    "{\"listener\":\"Other\",\"name\":\"OTHER\",\"policy\":\"BLOCKED\",\"senders\":["
    "{\"sender\":\"ALL\"}]},";

static const struct config *load(struct buf *text)
{
    struct config_errors errors;
    config_errors_init(&errors);
    struct config *config = config_load(buf_slice(text), &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    config_errors_finish(&errors);
    buf_finish(text);
    assert_non_null(config);
    return config;
}

static const struct config *load_groups(const char *groups)
{
    struct buf text;
    buf_init(&text, 0);
    buf_append_str(&text, head);
    buf_append_str(&text, groups);
    buf_append_str(&text, "]}");
    return load(&text);
}

static struct ip ip_of(const char *text)
{
    struct ip ip = {0};
    assert_true(ip_parse(slice_str(text), &ip));
    return ip;
}

/* clang-format off */
static const char mixed_groups[] =
    "{\"listener\":\"In\",\"name\":\"BLOCK\",\"policy\":\"BLOCKED\",\"senders\":["
        "{\"sender\":\"10.1.0.0/16\"},{\"sender\":\"2001:db8:1::/48\"},{\"sender\":\"255.255.255.255\"}]},"
    "{\"listener\":\"In\",\"name\":\"RELAY\",\"policy\":\"RELAYED\",\"senders\":["
        "{\"sender\":\"10.0.0.0/8\"},{\"sender\":\"10.1.2.3\"},{\"sender\":\"10.255.255.0/24\"},"
        "{\"sender\":\"2001:db8::/32\"},{\"sender\":\"::ffff:192.0.2.0/120\"},{\"sender\":\"0.0.0.0\"}]},"
    "{\"listener\":\"In\",\"name\":\"LATE\",\"policy\":\"ACCEPTED\",\"senders\":["
        "{\"sender\":\"10.0.0.0/8\"},{\"sender\":\"8.0.0.0/6\"},"
        "{\"sender\":\"ffff::/16\"},{\"sender\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"}]},"
    "{\"listener\":\"In\",\"name\":\"REST\",\"policy\":\"ACCEPTED\",\"senders\":["
        "{\"sender\":\"198.51.100.7\"},{\"sender\":\"all\"},{\"sender\":\"203.0.113.0/24\"},{\"sender\":\"ALL\"}]}";

static const struct {
    const char *ip, *group, *pattern, *policy;
} mixed_cases[] = {
    {"10.1.0.0",           "BLOCK", "10.1.0.0/16",          "BLOCKED"},
    {"10.1.2.3",           "BLOCK", "10.1.0.0/16",          "BLOCKED"}, /* a later, longer one loses */
    {"10.1.255.255",       "BLOCK", "10.1.0.0/16",          "BLOCKED"},
    {"10.0.255.255",       "RELAY", "10.0.0.0/8",           "RELAYED"},
    {"10.2.0.0",           "RELAY", "10.0.0.0/8",           "RELAYED"},
    {"10.255.255.9",       "RELAY", "10.0.0.0/8",           "RELAYED"},
    {"10.255.255.255",     "RELAY", "10.0.0.0/8",           "RELAYED"},
    {"9.255.255.255",      "LATE",  "8.0.0.0/6",            "ACCEPTED"},
    {"11.0.0.0",           "LATE",  "8.0.0.0/6",            "ACCEPTED"},
    {"11.255.255.255",     "LATE",  "8.0.0.0/6",            "ACCEPTED"},
    {"12.0.0.0",           "REST",  "ALL",                  "ACCEPTED"},
    {"7.255.255.255",      "REST",  "ALL",                  "ACCEPTED"},
    {"0.0.0.0",            "RELAY", "0.0.0.0",              "RELAYED"},
    {"0.0.0.1",            "REST",  "ALL",                  "ACCEPTED"},
    {"255.255.255.254",    "REST",  "ALL",                  "ACCEPTED"},
    {"255.255.255.255",    "BLOCK", "255.255.255.255",      "BLOCKED"},
    {"192.0.2.77",         "RELAY", "::ffff:192.0.2.0/120", "RELAYED"},
    {"::ffff:10.1.0.1",    "BLOCK", "10.1.0.0/16",          "BLOCKED"},
    {"198.51.100.7",       "REST",  "198.51.100.7",         "ACCEPTED"}, /* before ALL in its group */
    {"203.0.113.1",        "REST",  "ALL",                  "ACCEPTED"}, /* behind ALL: never wins */
    {"2001:db8:1::",       "BLOCK", "2001:db8:1::/48",      "BLOCKED"},
    {"2001:db8:1:ffff:ffff:ffff:ffff:ffff", "BLOCK", "2001:db8:1::/48", "BLOCKED"},
    {"2001:db8:2::",       "RELAY", "2001:db8::/32",        "RELAYED"},
    {"2001:db8:0:ffff:ffff:ffff:ffff:ffff", "RELAY", "2001:db8::/32",   "RELAYED"},
    {"2001:db9::",         "REST",  "ALL",                  "ACCEPTED"},
    {"::1",                "REST",  "ALL",                  "ACCEPTED"},
    {"::",                 "REST",  "ALL",                  "ACCEPTED"},
    {"::a01:203",          "REST",  "ALL",                  "ACCEPTED"}, /* IPv6, not 10.1.2.3 */
    {"ffff::",             "LATE",  "ffff::/16",            "ACCEPTED"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "LATE", "ffff::/16",    "ACCEPTED"},
};
/* clang-format on */

static void check_text(struct slice got, const char *expected, const char *what)
{
    if (!slice_eq(got, slice_str(expected)))
        fail_msg("%s: expected %s, got %.*s", what, expected, SLICE_ARGS(got));
}

static void test_first_match(void **state)
{
    (void)state;
    const struct config *config = load_groups(mixed_groups);
    struct hat *hat = hat_create(config, SLICE("In"));
    for (size_t i = 0; i < ARRAY_LEN(mixed_cases); i++) {
        struct ip ip = ip_of(mixed_cases[i].ip);
        struct hat_match match;
        assert_true(hat_find(hat, &ip, &match));
        check_text(match.group->name, mixed_cases[i].group, mixed_cases[i].ip);
        check_text(match.pattern, mixed_cases[i].pattern, mixed_cases[i].ip);
        check_text(match.policy->name, mixed_cases[i].policy, mixed_cases[i].ip);
    }
    hat_destroy(hat);
    config_unref(config);
}

static void test_listeners_apart(void **state)
{
    (void)state;
    const struct config *config = load_groups(mixed_groups);
    struct hat *other = hat_create(config, SLICE("Other"));
    struct hat *unknown = hat_create(config, SLICE("Nix"));
    struct hat *mine = hat_create(config, SLICE("In"));
    struct ip ip = ip_of("10.1.2.3"), none = {0};
    struct hat_match match = {0};
    assert_true(hat_find(other, &ip, &match));
    check_text(match.group->name, "OTHER", "Other");

    /* A local socket has no address: only ALL is for it. */
    assert_true(hat_find(mine, &none, &match));
    check_text(match.group->name, "REST", "no address");
    check_text(match.pattern, "ALL", "no address");

    match.group = NULL;
    assert_false(hat_find(unknown, &ip, &match));
    assert_false(hat_find(unknown, &none, &match));
    assert_null(match.group);
    hat_destroy(mine);
    hat_destroy(unknown);
    hat_destroy(other);
    hat_destroy(NULL);
    config_unref(config);
}

/* What hat_find must say, read off the configuration. */
static const struct cfg_pattern *walk(const struct config *config, const struct ip *ip)
{
    struct config_range groups = config_sender_groups(config, SLICE("In"));
    for (size_t i = 0; i < groups.count; i++) {
        const struct cfg_sender_group *group = config_sender_group_at(groups, i);
        for (size_t j = 0; j < group->senders.count; j++) {
            const struct cfg_pattern *sender = &group->senders.items[j].sender;
            if (sender->kind == CFG_PATTERN_ALL || ip_net_contains(&sender->net, ip))
                return sender;
        }
    }
    abort(); /* each HAT ends in ALL */
}

/* Few values for each byte, so that networks nest, repeat and touch. */
static struct ip random_ip(const struct clock *clock)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct ip ip = {.family = clock_random_below(clock, 2) == 0 ? 4 : 6};
    for (size_t i = 0; i < (ip.family == 4 ? 4u : 16u); i++)
        ip.bytes[i] = values[clock_random_below(clock, ARRAY_LEN(values))];
    return ip;
}

static void append_random_net(struct buf *text, const struct clock *clock)
{
    char out[IP_TEXT_MAX];
    struct ip ip = random_ip(clock);
    unsigned width = ip.family == 4 ? 32 : 128;
    unsigned prefix = (unsigned)clock_random_below(clock, width + 1);
    for (unsigned i = prefix; i < width; i++)
        ip.bytes[i / 8] = (uint8_t)(ip.bytes[i / 8] & ~(0x80u >> (i % 8)));
    buf_printf(text, "{\"sender\":\"%s/%u\"}", ip_format(&ip, out), prefix);
}

static void test_equals_walk(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    for (size_t round = 0; round < 60; round++) {
        struct buf text;
        buf_init(&text, 0);
        buf_append_str(&text, head);
        for (size_t group = 0; group < 3; group++) {
            buf_printf(&text,
                       "{\"listener\":\"In\",\"name\":\"G%zu\",\"policy\":\"ACCEPTED\","
                       "\"senders\":[",
                       group);
            for (size_t i = 0; i < 1 + round; i++) {
                if (i > 0)
                    buf_append_char(&text, ',');
                append_random_net(&text, &fake.clock);
            }
            buf_append_str(&text, group == 2 ? ",{\"sender\":\"ALL\"}]}" : "]},");
        }
        buf_append_str(&text, "]}");
        const struct config *config = load(&text);
        struct hat *hat = hat_create(config, SLICE("In"));
        for (size_t i = 0; i < 400; i++) {
            struct ip ip = random_ip(&fake.clock);
            const struct cfg_pattern *expected = walk(config, &ip);
            struct hat_match match;
            char out[IP_TEXT_MAX];
            assert_true(hat_find(hat, &ip, &match));
            if (match.pattern.p != expected->text.p)
                fail_msg("round %zu, %s: expected %.*s, got %.*s", round, ip_format(&ip, out),
                         SLICE_ARGS(expected->text), SLICE_ARGS(match.pattern));
        }
        hat_destroy(hat);
        config_unref(config);
    }
}

/* 100,000 networks of every other /24 in a part of IPv4: each edge is exact. */
static void test_large(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    buf_append_str(&text, head);
    buf_append_str(&text, "{\"listener\":\"In\",\"name\":\"MANY\",\"policy\":\"RELAYED\","
                          "\"senders\":[");
    for (unsigned i = 0; i < 100000; i++) {
        unsigned net = 2 * (99999 - i);
        buf_printf(&text, "%s{\"sender\":\"%u.%u.%u.0/24\"}", i == 0 ? "" : ",", 20 + (net >> 16),
                   net >> 8 & 0xff, net & 0xff);
    }
    buf_append_str(&text, "]},{\"listener\":\"In\",\"name\":\"ALL\",\"policy\":\"BLOCKED\","
                          "\"senders\":[{\"sender\":\"ALL\"}]}]}");
    const struct config *config = load(&text);
    struct hat *hat = hat_create(config, SLICE("In"));
    for (unsigned net = 0; net < 200000; net++) {
        struct ip ip = {.family = 4,
                        .bytes = {(uint8_t)(20 + (net >> 16)), (uint8_t)(net >> 8 & 0xff),
                                  (uint8_t)(net & 0xff), (uint8_t)(net % 3 == 0 ? 0 : 255)}};
        struct hat_match match;
        assert_true(hat_find(hat, &ip, &match));
        check_text(match.group->name, net % 2 == 0 ? "MANY" : "ALL", "large");
    }
    hat_destroy(hat);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_match),
        cmocka_unit_test(test_listeners_apart),
        cmocka_unit_test(test_equals_walk),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
