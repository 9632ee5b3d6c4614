/* base/mailaddr: a table of domains, literals and mailboxes; the property: whatever parses is made
 * of exactly its parts, and no byte outside printable ASCII ever gets through. */
#include "base/mailaddr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

/* clang-format off */
static const struct {
    const char *text;
    bool is_valid;
} domains[] = {
    {"example.test",     true},
    {"a",                true},
    {"xn--bcher-kva.test", true},
    {"_dmarc.example",   true},
    {"a_b.test",         true},
    {"1.2.3.4",          true},
    {"3com.test",        true},
    {"a-b.c-d",          true},
    {X60 "xxx.test",     true},  /* label of 63 */
    {X60 "xxxx.test",    false},
    {X60 "." X60 "." X60 "." X60 "." X10 "x", true},  /* 255 in all */
    {X60 "." X60 "." X60 "." X60 "." X10 "xx", false},
    {"",                 false},
    {".",                false},
    {"a.",               false},
    {".a",               false},
    {"a..b",             false},
    {"-a.test",          false},
    {"a-.test",          false},
    {"a.-b",             false},
    {"a b",              false},
    {"a,b",              false},
    {"b\xc3\xbc" "cher.test", false},
    {"a\n.test",         false},
    {"*.test",           false},
    {"[192.0.2.1]",      false},
};

static const struct {
    const char *text;
    const char *ip; /* NULL: no literal */
} literals[] = {
    {"[192.0.2.1]",            "192.0.2.1"},
    {"[IPv6:2001:db8::1]",     "2001:db8::1"},
    {"[ipv6:::1]",             "::1"},
    {"[IPv6:::ffff:192.0.2.1]", "192.0.2.1"},
    {"[::1]",                  NULL},
    {"[IPv6:192.0.2.1]",       NULL},
    {"[192.0.2.1",             NULL},
    {"192.0.2.1]",             NULL},
    {"192.0.2.1",              NULL},
    {"[]",                     NULL},
    {"[",                      NULL},
    {"]",                      NULL},
    {"",                       NULL},
    {"[IPv6:]",                NULL},
    {"[192.0.2.1 ]",           NULL},
    {"[tag:content]",          NULL},
    {"[[192.0.2.1]]",          NULL},
};

static const struct {
    const char *text;
    const char *local; /* NULL: refused */
    const char *domain;
} mailboxes[] = {
    {"a@example.test",            "a",                "example.test"},
    {"first.last+tag@x.test",     "first.last+tag",   "x.test"},
    {"!#$%&'*+-/=?^_`{|}~@x",     "!#$%&'*+-/=?^_`{|}~", "x"},
    {"\"a b\"@x.test",            "\"a b\"",          "x.test"},
    {"\"a@b\"@x.test",            "\"a@b\"",          "x.test"},
    {"\"a\\\"b\\\\\"@x.test",     "\"a\\\"b\\\\\"",   "x.test"},
    {"\"\"@x.test",               "\"\"",             "x.test"},
    {"a@[192.0.2.1]",             "a",                "[192.0.2.1]"},
    {"a@[IPv6:::1]",              "a",                "[IPv6:::1]"},
    {"Postmaster",                "Postmaster",       ""},
    {"POSTMASTER",                "POSTMASTER",       ""},
    {"postmaster@x.test",         "postmaster",       "x.test"},
    {X60 "1234@x.test",           X60 "1234",         "x.test"},
    {X60 "12345@x.test",          NULL, NULL},
    {"",                          NULL, NULL},
    {"@",                         NULL, NULL},
    {"a@",                        NULL, NULL},
    {"@x.test",                   NULL, NULL},
    {"a",                         NULL, NULL},
    {"\"postmaster\"",            NULL, NULL},
    {"postmasters",               NULL, NULL},
    {"a@b@x.test",                NULL, NULL},
    {".a@x.test",                 NULL, NULL},
    {"a.@x.test",                 NULL, NULL},
    {"a..b@x.test",               NULL, NULL},
    {"a b@x.test",                NULL, NULL},
    {"a@x.test ",                 NULL, NULL},
    {"a@x.test.",                 NULL, NULL},
    {"<a@x.test>",                NULL, NULL},
    {"a@[::1]",                   NULL, NULL},
    {"a@x..test",                 NULL, NULL},
    {"\"a@x.test",                NULL, NULL},
    {"\"a\\",                     NULL, NULL},
    {"\"a\\\"@x.test",            NULL, NULL},
    {"\"a\"b@x.test",             NULL, NULL},
    {"\"a\"",                     NULL, NULL},
    {"\"a\rb\"@x.test",           NULL, NULL},
    {"\"a\\\nb\"@x.test",         NULL, NULL},
    {"\"a\tb\"@x.test",           NULL, NULL},
    {"j\xc3\xbcrgen@x.test",      NULL, NULL},
    {"\"\xc3\xbc\"@x.test",       NULL, NULL},
    {"a\x7f@x.test",              NULL, NULL},
    {"(c)a@x.test",               NULL, NULL},
    {"a:b@x.test",                NULL, NULL},
    {"@relay.test:a@x.test",      NULL, NULL},
};
/* clang-format on */

static void test_domains(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        if (mailaddr_is_domain(slice_str(domains[i].text)) != domains[i].is_valid)
            fail_msg("domain '%s' should be %d", domains[i].text, domains[i].is_valid);
    }
    assert_false(mailaddr_is_domain(slice_of("a\0b", 3)));
}

static void test_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        struct ip ip;
        char out[IP_TEXT_MAX];
        bool is_valid = mailaddr_is_literal(slice_str(literals[i].text), &ip);
        if (is_valid != (literals[i].ip != NULL))
            fail_msg("literal '%s' should be %d", literals[i].text, !is_valid);
        if (is_valid)
            assert_string_equal(ip_format(&ip, out), literals[i].ip);
        assert_int_equal(mailaddr_is_literal(slice_str(literals[i].text), NULL), is_valid);
    }
}

static void test_mailboxes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mailboxes); i++) {
        struct mailaddr addr;
        bool is_valid = mailaddr_parse(slice_str(mailboxes[i].text), &addr);
        if (is_valid != (mailboxes[i].local != NULL))
            fail_msg("mailbox '%s' should be %d", mailboxes[i].text, !is_valid);
        if (!is_valid)
            continue;
        assert_true(slice_eq(addr.local, slice_str(mailboxes[i].local)));
        assert_true(slice_eq(addr.domain, slice_str(mailboxes[i].domain)));
    }
    struct mailaddr addr;
    assert_false(mailaddr_parse(slice_of("a\0@x.test", 9), &addr));
    assert_false(mailaddr_parse(slice_of(NULL, 0), &addr));
}

static void test_what_parses_is_its_parts(void **state)
{
    (void)state;
    static const char alphabet[] = "aA1.-_@\"\\ []:<>,\r\n\x80\0";
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    unsigned parsed = 0;
    for (int round = 0; round < 300000; round++) {
        char text[10];
        size_t len = 3 + (size_t)clock_random_below(&fake.clock, sizeof(text) - 2);
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[clock_random_below(&fake.clock, sizeof(alphabet) - 1)];
        struct mailaddr addr;
        if (!mailaddr_parse(slice_of(text, len), &addr))
            continue;
        parsed++;
        assert_int_equal(addr.local.len + 1 + addr.domain.len, len);
        assert_ptr_equal(addr.local.p, text);
        assert_int_equal(text[addr.local.len], '@');
        assert_ptr_equal(addr.domain.p, text + addr.local.len + 1);
        assert_true(mailaddr_is_domain(addr.domain) || mailaddr_is_literal(addr.domain, NULL));
        for (size_t i = 0; i < len; i++)
            assert_in_range(text[i], ' ', '~');
    }
    assert_true(parsed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_mailboxes),
        cmocka_unit_test(test_what_parses_is_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
