/* smtp/path: which paths MAIL and RCPT take, and what is left of them. */
#include "smtp/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define L60  "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy."
#define LONG X64 "@" L60 L60 L60

struct path_case {
    const char *in;
    bool is_reverse_ok, is_forward_ok;
    const char *address, *local, *domain, *rest;
};

static const struct path_case cases[] = {
    {"<a@b.test>", true, true, "a@b.test", "a", "b.test", ""},
    {"  <a@b.test> SIZE=1", true, true, "a@b.test", "a", "b.test", " SIZE=1"},
    {"<>", true, false, "", "", "", ""},
    {"<> BODY=7BIT", true, false, "", "", "", " BODY=7BIT"},
    {"<Postmaster>", false, true, "Postmaster", "Postmaster", "", ""},
    {"<pOSTMASTER>", false, true, "pOSTMASTER", "pOSTMASTER", "", ""},
    {"<@r.test:postmaster>", false, false, NULL, NULL, NULL, NULL},
    {"<root>", false, false, NULL, NULL, NULL, NULL},
    {"<@r.test:a@b.test>", true, true, "a@b.test", "a", "b.test", ""},
    {"<@r.test,@[192.0.2.1],@[IPv6:::1]:a@b.test>", true, true, "a@b.test", "a", "b.test", ""},
    {"<@r.test,s.test:a@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"<@r.test>", false, false, NULL, NULL, NULL, NULL},
    {"<@r.test:>", false, false, NULL, NULL, NULL, NULL},
    {"<@:a@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"<@-r-:a@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"<\"a>b\"@b.test>", true, true, "\"a>b\"@b.test", "\"a>b\"", "b.test", ""},
    {"<\"a\\\"> \"@b.test>x", false, false, NULL, NULL, NULL, NULL},
    {"<\"a@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"<a@[192.0.2.1]>", true, true, "a@[192.0.2.1]", "a", "[192.0.2.1]", ""},
    {"<a@[192.0.2.256]>", false, false, NULL, NULL, NULL, NULL},
    {"<a@b.test>SIZE=1", false, false, NULL, NULL, NULL, NULL},
    {"<a@b.test>>", false, false, NULL, NULL, NULL, NULL},
    {"<<a@b.test>>", false, false, NULL, NULL, NULL, NULL},
    {"a@b.test", false, false, NULL, NULL, NULL, NULL},
    {"<a@b.test", false, false, NULL, NULL, NULL, NULL},
    {"<a@b.test.>", false, false, NULL, NULL, NULL, NULL},
    {"<a@b@c.test>", false, false, NULL, NULL, NULL, NULL},
    {"<a b@c.test>", false, false, NULL, NULL, NULL, NULL},
    {"< a@c.test>", false, false, NULL, NULL, NULL, NULL},
    {"<${run{x}}@a>", true, true, "${run{x}}@a", "${run{x}}", "a", ""},
    {"<;id;@a>", false, false, NULL, NULL, NULL, NULL},
    {"<a(comment)@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"<\xc3\xa4@b.test>", false, false, NULL, NULL, NULL, NULL},
    {"", false, false, NULL, NULL, NULL, NULL},
    {"<", false, false, NULL, NULL, NULL, NULL},
    /* RFC 5321 4.5.3.1.3: 256 octets, brackets included */
    {"<" LONG "zzzzzz>", true, true, LONG "zzzzzz", X64, L60 L60 L60 "zzzzzz", ""},
    {"<" LONG "zzzzzzz>", false, false, NULL, NULL, NULL, NULL},
};

static void check(const struct path_case *c, enum smtp_path_kind kind, bool is_ok)
{
    struct slice rest = slice_str(c->in);
    struct smtp_path path;
    if (smtp_path_take(&rest, kind, &path, NULL) != is_ok)
        fail_msg("%s: %s", c->in, is_ok ? "refused" : "taken");
    if (!is_ok)
        return;
    assert_true(slice_eq(path.address, slice_str(c->address)));
    assert_true(slice_eq(path.local, slice_str(c->local)));
    assert_true(slice_eq(path.domain, slice_str(c->domain)));
    assert_true(slice_eq(rest, slice_str(c->rest)));
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check(&cases[i], SMTP_PATH_REVERSE, cases[i].is_reverse_ok);
        check(&cases[i], SMTP_PATH_FORWARD, cases[i].is_forward_ok);
    }
}

/* What a log may say about a path that is refused. */
static void test_why(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum smtp_path_kind kind;
        const char *why;
    } rows[] = {
        {"a@b.test", SMTP_PATH_REVERSE, "no < before it"},
        {"<a@b.test", SMTP_PATH_REVERSE, "no > behind it"},
        {"<" LONG "zzzzzzz>", SMTP_PATH_REVERSE, "too long"},
        {"<a@b.test>>", SMTP_PATH_REVERSE, "text behind the >"},
        {"<>", SMTP_PATH_FORWARD, "empty"},
        {"<@-r-:a@b.test>", SMTP_PATH_FORWARD, "bad source route"},
        {"<root>", SMTP_PATH_FORWARD, "no domain"},
        {"<Postmaster>", SMTP_PATH_REVERSE, "no domain"},
        {"<a@b.test.>", SMTP_PATH_FORWARD, "bad domain"},
        {"<a@b@c.test>", SMTP_PATH_FORWARD, "bad local part"},
        {"<\xc3\xa4@[192.0.2.1]>", SMTP_PATH_FORWARD, "bad local part"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice rest = slice_str(rows[i].in);
        struct smtp_path path;
        const char *why = NULL;
        assert_false(smtp_path_take(&rest, rows[i].kind, &path, &why));
        assert_string_equal(why, rows[i].why);
    }
}

/* Whatever is cut off at the end is refused, never read as something else. */
static void test_prefixes(void **state)
{
    (void)state;
    struct slice whole = SLICE("<@r.test,@s.test:\"a>\\\"b\"@[IPv6:2001:db8::1]>");
    struct smtp_path path;
    for (size_t len = 0; len <= whole.len; len++) {
        struct slice s = slice_of(whole.p, len);
        assert_int_equal(smtp_path_take(&s, SMTP_PATH_FORWARD, &path, NULL), len == whole.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_why),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests_name("smtp/path", tests, NULL, NULL);
}
