/* What of a text from outside reaches a terminal, and how broad it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/text.h"

static const struct {
    const char *text, *shown;
    size_t width;
} cases[] = {
    {"", "", 0},
    {"plain text", "plain text", 10},
    {"back\\slash", "back\\slash", 10},
    {"\x1b[31mred", "\\x1b[31mred", 11},
    {"a\nb\tc\rd", "a\\nb\\tc\\x0dd", 12},
    {"\x7f", "\\x7f", 4},
    {"\xc2\x9b"
     "2J",
     "\\x9b2J", 6}, /* CSI as C1 */
    {"\xe2\x80\xae"
     "txt",
     "\\u202etxt", 9}, /* right-to-left override */
    {"a\xe2\x80\xa8"
     "b",
     "a\\u2028b", 8}, /* line separator */
    {"\xef\xbb\xbf"
     "x",
     "\\ufeffx", 7},                     /* byte order mark */
    {"\xf3\xa0\x81\x81", "\\ue0041", 7}, /* tag A */
    {"\xff", "\\xff", 4},
    {"\xc0\xaf", "\\xc0\\xaf", 8},           /* `/`, longer than needed */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", 12}, /* a surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 16},
    {"\xe0\x80\x80", "\\xe0\\x80\\x80", 12},
    {"\xea\xb0", "\\xea\\xb0", 8},                               /* cut off */
    {"\xea\xb0\x80\xeb\x82\x98", "\xea\xb0\x80\xeb\x82\x98", 4}, /* two letters of Hangul */
    {"\xc3\xa9", "\xc3\xa9", 1},                                 /* e with acute */
    {"e\xcc\x81", "e\xcc\x81", 1},                               /* the same in two */
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 2},
};

static void test_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        buf_init(&out, 0);
        cli_text_show(&out, slice_str(cases[i].text));
        assert_string_equal(buf_cstr(&out), cases[i].shown);
        assert_int_equal(cli_text_width(buf_slice(&out)), cases[i].width);
        buf_finish(&out);
    }
}

/* Any three bytes: no control byte comes out, what comes out is UTF-8, and showing it again changes
 * nothing. */
static void test_any_bytes(void **state)
{
    static const unsigned char bytes[] = {0x00, 0x0a, 0x1b, 0x20, 0x5c, 0x7f, 0x80, 0x9b, 0xa0,
                                          0xbf, 0xc2, 0xe2, 0xed, 0xf0, 0xf4, 0xff, 0x41, 0xae};
    enum { N = ARRAY_LEN(bytes) };

    (void)state;
    for (size_t i = 0; i < N * N * N; i++) {
        char text[3] = {(char)bytes[i / N / N], (char)bytes[i / N % N], (char)bytes[i % N]};
        struct buf once, twice;
        buf_init(&once, 0);
        buf_init(&twice, 0);
        cli_text_show(&once, slice_of(text, 3));
        cli_text_show(&twice, buf_slice(&once));
        assert_true(slice_eq(buf_slice(&once), buf_slice(&twice)));
        assert_true(cli_text_is_utf8(buf_slice(&once)));
        for (size_t j = 0; j < buf_len(&once); j++)
            assert_true((unsigned char)buf_slice(&once).p[j] >= 0x20);
        buf_finish(&once);
        buf_finish(&twice);
    }
}

static void test_lines_stay_lines(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    cli_text_show_lines(&out, SLICE("one\ntwo\x1b\n"));
    assert_string_equal(buf_cstr(&out), "one\ntwo\\x1b\n");
    buf_finish(&out);
}

/* Never half a letter, never one column too many. */
static void test_fit(void **state)
{
    struct slice text = SLICE("a\xea\xb0\x80"
                              "e\xcc\x81z"); /* widths 1 2 1 0 1 */
    static const size_t bytes[] = {0, 1, 1, 4, 7, 8, 8};

    (void)state;
    for (size_t width = 0; width < ARRAY_LEN(bytes); width++)
        assert_int_equal(cli_text_fit(text, width), bytes[width]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_lines_stay_lines),
        cmocka_unit_test(test_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
