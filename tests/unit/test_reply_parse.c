/* smtp/reply_parse: what a peer says, whole or byte by byte; the caps. */
#include "smtp/reply_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

struct reply_case {
    const char *in;
    int code; /* 0: bad; 1: not complete */
    const char *enhanced, *text;
};

static const struct reply_case cases[] = {
    {"250 ok\r\n", 250, "", "ok"},
    {"250 ok\n", 250, "", "ok"},
    {"250\r\n", 250, "", ""},
    {"250 \r\n", 250, "", ""},
    {"250-\r\n250 x\r\n", 250, "", "\nx"},
    {"250-a\r\n250-b\r\n250 c\r\n", 250, "", "a\nb\nc"},
    {"250-a\r\n250\r\n", 250, "", "a\n"},
    {"250 2.1.0 sender ok\r\n", 250, "2.1.0", "sender ok"},
    {"550-5.1.1 a\r\n550-5.1.1 b\r\n550 5.1.1 c\r\n", 550, "5.1.1", "a\nb\nc"},
    {"550-5.1.1 a\r\n550-b\r\n550 5.1.10 c\r\n", 550, "5.1.1", "a\nb\n5.1.10 c"},
    {"550-a\r\n550 5.1.1 c\r\n", 550, "", "a\n5.1.1 c"},
    {"550 5.1.1\r\n", 550, "5.1.1", ""},
    {"421 4.123.456 x\r\n", 421, "4.123.456", "x"},
    {"421 4.1234.5 x\r\n", 421, "", "4.1234.5 x"},
    {"250 5.1.1 x\r\n", 250, "", "5.1.1 x"},
    {"550 5.1 x\r\n", 550, "", "5.1 x"},
    {"550 5.1.1x\r\n", 550, "", "5.1.1x"},
    {"550 \xc3\xa4\r\n", 550, "", "\xc3\xa4"},
    {"250", 1, "", ""},
    {"250-a\r\n", 1, "", ""},
    {"250-a\r\n25", 1, "", ""},
    {"", 1, "", ""},
    {"250-a\r\n251 b\r\n", 0, "", ""},
    {"25\r\n", 0, "", ""},
    {"\r\n", 0, "", ""},
    {"2500 ok\r\n", 0, "", ""},
    {"150 ok\r\n", 0, "", ""},
    {"650 ok\r\n", 0, "", ""},
    {"290 ok\r\n", 0, "", ""},
    {"+OK\r\n", 0, "", ""},
    {"SSH-2.0-x\r\n", 0, "", ""},
    {" 250 ok\r\n", 0, "", ""},
    {"250 a\rb\r\n", 0, "", ""},
    {"250 a\r\r\n", 0, "", ""},
};

static void run(const char *in, size_t len, size_t cut, int code, const char *enhanced,
                const char *text)
{
    struct smtp_reply_parser p;
    struct smtp_reply reply = {0};
    enum smtp_reply_result r = SMTP_REPLY_MORE;
    smtp_reply_parser_init(&p);
    for (size_t at = 0; at < len && r == SMTP_REPLY_MORE;) {
        struct slice piece = slice_of(in + at, len - at < cut ? len - at : cut);
        at += piece.len;
        r = smtp_reply_parser_feed(&p, &piece, &reply);
        assert_true(r == SMTP_REPLY_BAD || piece.len == 0);
        assert_true(r != SMTP_REPLY_DONE || at == len);
    }
    if (r != (code == 0 ? SMTP_REPLY_BAD : code == 1 ? SMTP_REPLY_MORE : SMTP_REPLY_DONE))
        fail_msg("'%.40s' cut at %zu: %d", in, cut, (int)r);
    if (r == SMTP_REPLY_DONE) {
        assert_int_equal(reply.code, code);
        assert_true(slice_eq(reply.enhanced, slice_str(enhanced)));
        assert_true(slice_eq(reply.text, slice_str(text)));
        assert_false(smtp_reply_parser_is_inside(&p));
    }
    smtp_reply_parser_finish(&p);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct reply_case *c = &cases[i];
        for (size_t cut = 1; cut <= strlen(c->in) + 1; cut++)
            run(c->in, strlen(c->in), cut, c->code, c->enhanced, c->text);
    }
    run("250 a\0b\r\n", 9, 100, 0, "", "");
}

static void test_two_replies(void **state)
{
    (void)state;
    struct smtp_reply_parser p;
    struct smtp_reply reply;
    struct slice in = SLICE("250-a\r\n250 b\r\n354 go\r\n22");
    smtp_reply_parser_init(&p);
    assert_int_equal(smtp_reply_parser_feed(&p, &in, &reply), SMTP_REPLY_DONE);
    assert_true(slice_eq(reply.text, SLICE("a\nb")));
    assert_int_equal(smtp_reply_parser_feed(&p, &in, &reply), SMTP_REPLY_DONE);
    assert_int_equal(reply.code, 354);
    assert_true(slice_eq(reply.text, SLICE("go")));
    assert_int_equal(smtp_reply_parser_feed(&p, &in, &reply), SMTP_REPLY_MORE);
    assert_true(smtp_reply_parser_is_inside(&p));
    smtp_reply_parser_finish(&p);
}

/* COUNT lines of LEN octets (CRLF included), the last one ending the reply. */
static void run_lines(size_t count, size_t len, int code)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(buf_append_str(&b, i + 1 == count ? "250 " : "250-"));
        for (size_t n = 6; n < len; n++)
            assert_true(buf_append_char(&b, 'x'));
        assert_true(buf_append_str(&b, "\r\n"));
    }
    struct smtp_reply_parser p;
    struct smtp_reply reply;
    struct slice in = buf_slice(&b);
    smtp_reply_parser_init(&p);
    assert_int_equal(smtp_reply_parser_feed(&p, &in, &reply),
                     code == 0 ? SMTP_REPLY_BAD : SMTP_REPLY_DONE);
    smtp_reply_parser_finish(&p);
    buf_finish(&b);
}

static void test_caps(void **state)
{
    (void)state;
    run_lines(1, LIMIT_SMTP_REPLY_LINE, 250);
    run_lines(1, LIMIT_SMTP_REPLY_LINE + 1, 0);
    run_lines(LIMIT_SMTP_REPLY_LINES, 10, 250);
    run_lines(LIMIT_SMTP_REPLY_LINES + 1, 10, 0);
    run_lines(LIMIT_SMTP_REPLY_TOTAL / 2048, 2048, 250);
    run_lines(LIMIT_SMTP_REPLY_TOTAL / 2048 + 1, 2048, 0);
}

/* A line without an end is refused when it is too long, not when it ends. */
static void test_endless_line(void **state)
{
    (void)state;
    struct smtp_reply_parser p;
    struct smtp_reply reply;
    enum smtp_reply_result r = SMTP_REPLY_MORE;
    size_t fed = 0;
    smtp_reply_parser_init(&p);
    while (r == SMTP_REPLY_MORE && fed < 100000) {
        struct slice one = SLICE("2");
        r = smtp_reply_parser_feed(&p, &one, &reply);
        fed++;
    }
    assert_int_equal(r, SMTP_REPLY_BAD);
    assert_int_equal(fed, LIMIT_SMTP_REPLY_LINE + 1);
    smtp_reply_parser_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_two_replies),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_endless_line),
    };
    return cmocka_run_group_tests_name("smtp/reply_parse", tests, NULL, NULL);
}
