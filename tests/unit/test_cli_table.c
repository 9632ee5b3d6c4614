/* Tables and cards: how they stand, what is cut when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/table.h"
#include "cli/text.h"

static const struct cli_column columns[] = {
    {"MID", "mid"},
    {"SENDER", "sender"},
    {"LAST REPLY", "last/text"},
    {"TRIES", "tries"},
};

static const char json[] =
    "[{\"mid\":7,\"sender\":\"someone@example.com\",\"last\":{\"text\":\"try \\u001b[2J again\"},"
    "\"tries\":12},"
    "{\"mid\":1234,\"sender\":\"\xed\x95\x9c\xea\xb8\x80@example.com\",\"last\":null,\"tries\":3}]";

static const char whole[] = " MID  SENDER               LAST REPLY         TRIES\n"
                            "   7  someone@example.com  try \\x1b[2J again     12\n"
                            "1234  \xed\x95\x9c\xea\xb8\x80@example.com" /* 4 columns */
                            "                            3\n";

static void print(const char *text, size_t width, struct buf *out)
{
    json_t *items = json_loads(text, 0, NULL);

    assert_non_null(items);
    cli_table_of(items, columns, ARRAY_LEN(columns), width, out);
    json_decref(items);
}

static void check(size_t width, const char *expected)
{
    struct buf out;

    buf_init(&out, 0);
    print(json, width, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_finish(&out);
}

static void test_whole(void **state)
{
    (void)state;
    check(0, whole);
    check(200, whole);
    check(51, whole);
}

static void test_broadest_is_cut(void **state)
{
    (void)state;
    check(44, " MID  SENDER          LAST REPLY       TRIES\n"
              "   7  someone@examp…  try \\x1b[2J ag…     12\n"
              "1234  \xed\x95\x9c\xea\xb8\x80@example.…                       3\n");
}

static void test_last_ones_go(void **state)
{
    (void)state;
    check(16, " MID  SENDER\n"
              "   7  someone…\n"
              "1234  \xed\x95\x9c\xea\xb8\x80@ex…\n"
              "(no room for 2 more columns)\n");
}

/* Whatever the width: no line is broader, but for the note, and each row is there. */
static void test_never_broader(void **state)
{
    (void)state;
    for (size_t width = 4; width < 80; width++) {
        struct buf out;
        buf_init(&out, 0);
        print(json, width, &out);
        struct slice rest = buf_slice(&out);
        for (size_t lines = 0; lines < 3; lines++) {
            struct slice line = slice_cut(&rest, '\n');
            assert_true(line.len > 0);
            assert_true(cli_text_width(line) <= width);
        }
        assert_true(rest.len == 0 || rest.p[0] == '(');
        buf_finish(&out);
    }
}

static void test_no_rows(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    print("[]", 0, &out);
    assert_string_equal(buf_cstr(&out), "MID  SENDER  LAST REPLY  TRIES\n");
    buf_finish(&out);
}

static void test_card(void **state)
{
    json_t *items = json_loads(json, 0, NULL);
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    cli_card_of(json_array_get(items, 1), columns, ARRAY_LEN(columns), &out);
    assert_string_equal(buf_cstr(&out), "MID         1234\n"
                                        "SENDER      \xed\x95\x9c\xea\xb8\x80@example.com\n"
                                        "LAST REPLY\n"
                                        "TRIES       3\n");
    buf_finish(&out);
    json_decref(items);
}

static void test_values(void **state)
{
    static const char *const values[][2] = {
        {"\"a text\"", "a text"},
        {"25", "25"},
        {"true", "true"},
        {"null", ""},
        {"[]", ""},
        {"[\"a\",\"b\",3]", "a,b,3"},
        {"[{\"host\":\"a\"}]", "[{\"host\":\"a\"}]"},
        {"{\"a\":1}", "{\"a\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        json_t *value = json_loads(values[i][0], JSON_DECODE_ANY, NULL);
        struct buf out;
        buf_init(&out, 0);
        cli_value_text(value, &out);
        assert_string_equal(buf_cstr(&out), values[i][1]);
        buf_finish(&out);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),        cmocka_unit_test(test_broadest_is_cut),
        cmocka_unit_test(test_last_ones_go), cmocka_unit_test(test_never_broader),
        cmocka_unit_test(test_no_rows),      cmocka_unit_test(test_card),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
