/* The row tables are whole, and one value is judged by its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "config/validate.h"

static void check_rows(const struct cfg_rows *rows, const char *of)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct cfg_row *row = &rows->rows[i];
        if (row->label == NULL || row->help == NULL)
            fail_msg("%s.%s has no label or help", of, row->key);
        if ((row->kind == CFG_KIND_U32 || row->kind == CFG_KIND_U64) && row->max == 0)
            fail_msg("%s.%s has no range", of, row->key);
        if (row->kind == CFG_KIND_U32 && row->max > UINT32_MAX)
            fail_msg("%s.%s does not fit its member", of, row->key);
        if (row->kind == CFG_KIND_LIST && row->max == 0)
            fail_msg("%s.%s has no cap", of, row->key);
        if (row->kind == CFG_KIND_PATTERN && row->patterns == 0)
            fail_msg("%s.%s allows no form", of, row->key);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows->rows[j].key, row->key);
        if (row->item_kind == CFG_KIND_STRUCT && row->kind == CFG_KIND_LIST)
            check_rows(row->item_rows, row->key);
    }
}

static void test_every_row_is_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        assert_int_not_equal(cfg_sections[i].rows->count, 0);
        check_rows(cfg_sections[i].rows, cfg_sections[i].name);
        assert_int_equal(cfg_section_find(slice_str(cfg_sections[i].name)), i);
    }
    assert_int_equal(cfg_section_find(SLICE("nothing")), CFG_SECTION_COUNT);
}

struct pattern_case {
    const char *text;
    unsigned allowed;
    const char *word;
    enum cfg_pattern_kind kind; /* NONE: refused */
    const char *canonical;
};

#define ANY_FORM                                                                                   \
    (CFG_ALLOW(DOMAIN) | CFG_ALLOW(SUBDOMAINS) | CFG_ALLOW(ADDRESS) | CFG_ALLOW(NET) |             \
     CFG_ALLOW(LITERAL) | CFG_ALLOW(ALL))

static const struct pattern_case pattern_cases[] = {
    {"ALL", ANY_FORM, "ALL", CFG_PATTERN_ALL, "ALL"},
    {"all", ANY_FORM, "ALL", CFG_PATTERN_ALL, "ALL"},
    {"default", ANY_FORM, "Default", CFG_PATTERN_ALL, "Default"},
    {"Example.Test", ANY_FORM, "ALL", CFG_PATTERN_DOMAIN, "example.test"},
    {".Example.Test", ANY_FORM, "ALL", CFG_PATTERN_SUBDOMAINS, ".example.test"},
    {"Joe@Example.Test", ANY_FORM, "ALL", CFG_PATTERN_ADDRESS, "Joe@example.test"},
    {"10.0.0.0/8", ANY_FORM, "ALL", CFG_PATTERN_NET, "10.0.0.0/8"},
    {"10.1.2.3", ANY_FORM, "ALL", CFG_PATTERN_NET, "10.1.2.3"},
    {"2001:DB8::/32", ANY_FORM, "ALL", CFG_PATTERN_NET, "2001:db8::/32"},
    {"[10.1.2.3]", ANY_FORM, "ALL", CFG_PATTERN_LITERAL, "[10.1.2.3]"},
    {"[IPv6:2001:DB8::1]", ANY_FORM, "ALL", CFG_PATTERN_LITERAL, "[IPv6:2001:db8::1]"},
    {"", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {".", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"..a", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"a..b", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"a b", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"*.example.test", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"10.0.0.1/8", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"10.0.0.0/33", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"joe@", ANY_FORM, "ALL", CFG_PATTERN_NONE, NULL},
    {"10.1.2.3", CFG_ALLOW(DOMAIN) | CFG_ALLOW(LITERAL), NULL, CFG_PATTERN_NONE, NULL},
    {"ALL", CFG_ALLOW(NET), NULL, CFG_PATTERN_NONE, NULL},
    {"joe@example.test", CFG_ALLOW(DOMAIN), NULL, CFG_PATTERN_NONE, NULL},
};

static void test_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pattern_cases); i++) {
        const struct pattern_case *t = &pattern_cases[i];
        struct cfg_row row = {.kind = CFG_KIND_PATTERN, .patterns = t->allowed, .word = t->word};
        struct cfg_pattern p = {.kind = CFG_PATTERN_NONE};
        struct cfg_why why;
        struct mem_arena arena;
        mem_arena_init(&arena);
        bool is_good = cfg_read_pattern(&row, slice_str(t->text), &arena, &p, &why);
        if (is_good != (t->kind != CFG_PATTERN_NONE) || p.kind != t->kind)
            fail_msg("case %zu: %s", i, t->text);
        if (is_good && !slice_eq(p.text, slice_str(t->canonical)))
            fail_msg("case %zu: %s became %.*s", i, t->text, SLICE_ARGS(p.text));
        if (!is_good)
            assert_string_equal(why.code, "value.pattern");
        mem_arena_finish(&arena);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct cfg_row row = {.kind = CFG_KIND_NAME, .flags = CFG_REQUIRED};
    struct cfg_why why;
    char text[LIMIT_NAME * 3 + 4];
    assert_true(cfg_check_text(&row, SLICE("Data 1"), &why));
    assert_false(cfg_check_text(&row, SLICE(""), &why));
    assert_false(cfg_check_text(&row, SLICE("Data 1 "), &why));
    assert_false(cfg_check_text(&row, SLICE("a\tb"), &why));
    assert_false(cfg_check_text(&row, SLICE("a\x7f"), &why));
    memset(text, 'a', sizeof(text));
    assert_true(cfg_check_text(&row, slice_of(text, LIMIT_NAME), &why));
    assert_false(cfg_check_text(&row, slice_of(text, LIMIT_NAME + 1), &why));
    /* 63 characters, not bytes */
    for (size_t i = 0; i < LIMIT_NAME + 1; i++)
        memcpy(text + i * 3, "\xec\x88\x98", 3);
    assert_true(cfg_check_text(&row, slice_of(text, LIMIT_NAME * 3), &why));
    assert_false(cfg_check_text(&row, slice_of(text, (LIMIT_NAME + 1) * 3), &why));
}

static void test_numbers(void **state)
{
    (void)state;
    struct cfg_row row = {.kind = CFG_KIND_U32, .min = 1, .max = 10, .unit = "seconds"};
    struct cfg_why why;
    assert_true(cfg_check_number(&row, 1, &why));
    assert_true(cfg_check_number(&row, 10, &why));
    assert_false(cfg_check_number(&row, 0, &why));
    assert_false(cfg_check_number(&row, -1, &why));
    assert_false(cfg_check_number(&row, 11, &why));
    assert_string_equal(why.text, "must be 1 to 10 seconds, is 11");
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"max_connections", "port", "name"};
    assert_string_equal(cfg_nearest(SLICE("max_conections"), words, 3), "max_connections");
    assert_string_equal(cfg_nearest(SLICE("prot"), words, 3), "port");
    assert_null(cfg_nearest(SLICE("certificate"), words, 3));
    assert_null(cfg_nearest(SLICE(""), words, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
