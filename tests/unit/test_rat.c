/* The RAT as tables: which entry decides about a recipient, first match wins, and what is accepted;
 * then the compiled form against a plain walk, and the longest address there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policy/rat.h"

static const char head[] =
    "{\"system\":{\"hostname\":\"gw.example.test\"},"
    "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.example.test\"}],"
    "\"listeners\":[{\"name\":\"In\",\"type\":\"public\",\"interface\":\"A\",\"port\":2525},"
    "{\"name\":\"Other\",\"type\":\"public\",\"interface\":\"A\",\"port\":2526},"
    "{\"name\":\"Out\",\"type\":\"private\",\"interface\":\"A\",\"port\":2527}],"
    "\"mail-flow-policies\":[{\"name\":\"ACCEPTED\",\"action\":\"accept\"}],"
    "\"sender-groups\":["
    "{\"listener\":\"In\",\"name\":\"ALL\",\"policy\":\"ACCEPTED\","
    "\"senders\":[{\"sender\":\"ALL\"}]},"
    "{\"listener\":\"Other\",\"name\":\"ALL\",\"policy\":\"ACCEPTED\","
    "\"senders\":[{\"sender\":\"ALL\"}]},"
    "{\"listener\":\"Out\",\"name\":\"ALL\",\"policy\":\"ACCEPTED\","
    "\"senders\":[{\"sender\":\"ALL\"}]}],"
    "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"preferred\","
    "\"max_connections\":500,\"max_messages_per_connection\":50}],"
    "\"bounce-profiles\":[{\"name\":\"Default\"}],"
    "\"rat\":[{\"listener\":\"Other\",\"recipient\":\"other.test\",\"action\":\"accept\"},";

/* The entries of the listener In, then ALL for both. */
static const struct config *load(const struct buf *entries)
{
    struct buf text;
    struct config_errors errors;
    buf_init(&text, 0);
    config_errors_init(&errors);
    buf_append_str(&text, head);
    buf_append_slice(&text, buf_slice(entries));
    buf_append_str(&text, "{\"listener\":\"In\",\"recipient\":\"ALL\",\"action\":\"reject\"},"
                          "{\"listener\":\"Other\",\"recipient\":\"ALL\",\"action\":\"reject\"}]}");
    struct config *config = config_load(buf_slice(&text), &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    config_errors_finish(&errors);
    buf_finish(&text);
    assert_non_null(config);
    return config;
}

static void append_entry(struct buf *entries, const char *recipient, const char *action)
{
    buf_append_str(entries, "{\"listener\":\"In\",\"recipient\":\"");
    for (const char *p = recipient; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            buf_append_char(entries, '\\');
        buf_append_char(entries, *p);
    }
    buf_printf(entries, "\",\"action\":\"%s\"},", action);
}

/* clang-format off */
static const struct {
    const char *recipient, *action;
} entries_in_order[] = {
    {"Info@Example.test",            "reject"},
    {"Postmaster@Example.test",      "accept"},
    {"\"a b\"@example.test",         "reject"},
    {"\"quiet\"@example.test",       "reject"},
    {"\"x\\\"@y\"@example.test",     "reject"},
    {"vip@sub.example.test",         "accept"},
    {"quiet@example.test",           "accept"}, /* never: the same mailbox stands before it */
    {"POSTMASTER@example.test",      "reject"}, /* never */
    {"example.test",                 "accept"},
    {"late@example.test",            "reject"}, /* never: its domain stands before it */
    {"deep.sub.example.test",        "accept"},
    {".sub.example.test",            "reject"},
    {"late.sub.example.test",        "accept"}, /* never */
    {".example.test",                "accept"},
    {"user@[192.0.2.1]",             "accept"},
    {"user@[IPv6:2001:DB8:0::1]",    "accept"},
    {"only@user.test",               "accept"},
    {"postmaster@user.test",         "reject"},
};

static const struct {
    const char *address;
    const char *entry; /* as the configuration keeps it; NULL: none */
    bool is_accepted;
} cases[] = {
    {"Info@example.test",              "Info@example.test",            false},
    {"Info@EXAMPLE.TEST",              "Info@example.test",            false},
    {"info@example.test",              "example.test",                 true}, /* RFC 5321 2.4 */
    {"INFO@example.test",              "example.test",                 true},
    {"\"Info\"@example.test",          "Info@example.test",            false}, /* no way around it */
    {"\"I\\nfo\"@example.test",        "Info@example.test",            false},
    {"postmaster@example.test",        "Postmaster@example.test",      true},
    {"POSTMASTER@EXAMPLE.test",        "Postmaster@example.test",      true},
    {"\"PostMaster\"@example.test",    "Postmaster@example.test",      true},
    {"PostMaster@user.test",           "postmaster@user.test",         false},
    {"\"a b\"@example.test",           "\"a b\"@example.test",         false},
    {"\"a\\ b\"@example.test",         "\"a b\"@example.test",         false},
    {"\"A b\"@example.test",           "example.test",                 true},
    {"quiet@example.test",             "\"quiet\"@example.test",       false},
    {"\"x\\\"@y\"@example.test",       "\"x\\\"@y\"@example.test",     false},
    {"\"x\\\"\\@y\"@example.test",     "\"x\\\"@y\"@example.test",     false},
    {"late@example.test",              "example.test",                 true},
    {"\"\"@example.test",              "example.test",                 true},
    {"a@example.test",                 "example.test",                 true},
    {"a@notexample.test",              "ALL",                          false},
    {"a@example.test.evil.test",       "ALL",                          false},
    {"\"a@example.test\"@evil.test",   "ALL",                          false},
    {"vip@sub.example.test",           "vip@sub.example.test",         true},
    {"a@sub.example.test",             ".example.test",                true},
    {"a@x.sub.example.test",           ".sub.example.test",            false},
    {"a@x.y.sub.EXAMPLE.test",         ".sub.example.test",            false},
    {"a@deep.sub.example.test",        "deep.sub.example.test",        true},
    {"a@late.sub.example.test",        ".sub.example.test",            false},
    {"a@mx.example.test",              ".example.test",                true},
    {"Info@mx.example.test",           ".example.test",                true},
    {"only@user.test",                 "only@user.test",               true},
    {"Only@user.test",                 "ALL",                          false},
    {"other@user.test",                "ALL",                          false},
    {"a@other.test",                   "ALL",                          false}, /* of another listener */
    {"a@test",                         "ALL",                          false},
    {"user@[192.0.2.1]",               "user@[192.0.2.1]",             true},
    {"User@[192.0.2.1]",               "ALL",                          false},
    {"user@[192.0.2.2]",               "ALL",                          false},
    {"user@[ipv6:2001:db8::1]",        "user@[ipv6:2001:db8:0::1]",    true},
    {"user@[IPv6:2001:0DB8:0:0:0:0:0:1]", "user@[ipv6:2001:db8:0::1]", true},
    {"Postmaster",                     "ALL",                          true}, /* RFC 5321 4.5.1 */
    {"pOSTMASTEr",                     "ALL",                          true},
    {"\"postmaster\"",                 NULL,                           false},
    {"info",                           NULL,                           false},
    {"",                               NULL,                           false},
    {"@example.test",                  NULL,                           false},
    {"a@",                             NULL,                           false},
    {"a@example.test.",                NULL,                           false},
    {"a@.example.test",                NULL,                           false},
    {"a@@example.test",                NULL,                           false},
    {"a b@example.test",               NULL,                           false},
    {"ALL",                            NULL,                           false},
};
/* clang-format on */

static void test_entries(void **state)
{
    (void)state;
    struct buf entries;
    buf_init(&entries, 0);
    for (size_t i = 0; i < ARRAY_LEN(entries_in_order); i++)
        append_entry(&entries, entries_in_order[i].recipient, entries_in_order[i].action);
    const struct config *config = load(&entries);
    struct rat *rat = rat_create(config, SLICE("In"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice address = slice_str(cases[i].address);
        const struct cfg_rat_entry *entry = rat_find(rat, address), *decided;
        struct slice got = entry == NULL ? SLICE("none") : entry->recipient.text;
        struct slice expected = slice_str(cases[i].entry == NULL ? "none" : cases[i].entry);
        if (!slice_eq(got, expected))
            fail_msg("%s: expected %.*s, got %.*s", cases[i].address, SLICE_ARGS(expected),
                     SLICE_ARGS(got));
        if (rat_accepts(rat, address, &decided) != cases[i].is_accepted)
            fail_msg("%s: accepted or not", cases[i].address);
        bool is_bare = slice_eq_nocase(address, SLICE("postmaster"));
        assert_ptr_equal(decided, is_bare ? NULL : entry);
    }
    rat_destroy(rat);
    config_unref(config);
    buf_finish(&entries);
}

static void test_without_entries(void **state)
{
    (void)state;
    static const struct slice listeners[] = {{.p = "Out", .len = 3}, {.p = "Nix", .len = 3}};
    struct buf entries;
    buf_init(&entries, 0);
    const struct config *config = load(&entries);
    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        struct rat *rat = rat_create(config, listeners[i]);
        const struct cfg_rat_entry *decided;
        assert_null(rat_find(rat, SLICE("a@other.test")));
        assert_null(rat_find(rat, SLICE("Postmaster")));
        assert_false(rat_accepts(rat, SLICE("a@other.test"), &decided));
        assert_null(decided);
        assert_true(rat_accepts(rat, SLICE("Postmaster"), &decided));
        assert_null(decided);
        rat_destroy(rat);
    }
    rat_destroy(NULL);
    config_unref(config);
    buf_finish(&entries);
}

/* The longest address: 64 octets, 128 labels; more is no address. */
static void test_longest(void **state)
{
    (void)state;
    char address[64 + 1 + 255 + 1];
    struct buf entries;
    buf_init(&entries, 0);
    append_entry(&entries, ".b.b", "accept");
    memset(address, 'u', 64);
    address[64] = '@';
    for (size_t i = 65; i < 65 + 255; i++)
        address[i] = i % 2 == 1 ? 'B' : '.';
    address[65 + 255] = 'b';
    const struct config *config = load(&entries);
    struct rat *rat = rat_create(config, SLICE("In"));
    const struct cfg_rat_entry *decided;
    assert_true(rat_accepts(rat, slice_of(address, 64 + 1 + 255), &decided));
    assert_non_null(decided);
    assert_false(rat_accepts(rat, slice_of(address, sizeof(address)), &decided));
    assert_null(decided);
    rat_destroy(rat);
    config_unref(config);
    buf_finish(&entries);
}

static bool qualifies(const struct cfg_pattern *p, struct slice address)
{
    struct slice domain = address;
    (void)slice_cut(&domain, '@');
    switch (p->kind) {
    case CFG_PATTERN_ALL:
        return true;
    case CFG_PATTERN_ADDRESS:
        return slice_eq(p->text, address);
    case CFG_PATTERN_DOMAIN:
        return slice_eq(p->text, domain);
    case CFG_PATTERN_SUBDOMAINS:
        return domain.len > p->text.len && slice_ends_nocase(domain, p->text);
    case CFG_PATTERN_NONE:
    case CFG_PATTERN_NET:
    case CFG_PATTERN_LITERAL:
        break;
    }
    return false;
}

/* A domain of 1 to 4 labels of two letters to choose from. */
static size_t random_domain(const struct clock *clock, char *out)
{
    size_t labels = 1 + clock_random_below(clock, 4), len = 0;
    for (size_t i = 0; i < labels; i++) {
        if (i > 0)
            out[len++] = '.';
        out[len++] = (char)('a' + clock_random_below(clock, 2));
    }
    out[len] = '\0';
    return len;
}

static void test_equals_walk(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    for (size_t round = 0; round < 200; round++) {
        struct buf entries;
        char domain[16], text[32];
        char seen[12][32];
        size_t count = 0;
        buf_init(&entries, 0);
        while (count < ARRAY_LEN(seen)) {
            static const char *const starts[] = {"u@", "v@", ".", ""};
            size_t at = 0;
            (void)random_domain(&fake.clock, domain);
            (void)snprintf(text, sizeof(text), "%s%s",
                           starts[clock_random_below(&fake.clock, ARRAY_LEN(starts))], domain);
            while (at < count && strcmp(seen[at], text) != 0)
                at++;
            if (at < count)
                continue;
            memcpy(seen[count++], text, sizeof(text));
            append_entry(&entries, text, "accept");
        }
        const struct config *config = load(&entries);
        struct rat *rat = rat_create(config, SLICE("In"));
        for (size_t i = 0; i < 200; i++) {
            struct config_range range = config_rat(config, SLICE("In"));
            size_t at = 0;
            (void)random_domain(&fake.clock, domain);
            (void)snprintf(text, sizeof(text), "%c@%s", i % 2 == 0 ? 'u' : 'v', domain);
            while (!qualifies(&config_rat_entry_at(range, at)->recipient, slice_str(text)))
                at++;
            assert_ptr_equal(rat_find(rat, slice_str(text)), config_rat_entry_at(range, at));
        }
        rat_destroy(rat);
        config_unref(config);
        buf_finish(&entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_without_entries),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_equals_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
