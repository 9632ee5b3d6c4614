/* smtp/data: only CRLF.CRLF ends, dots go on and come off, and nothing bare leaves. */
#include "smtp/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Decodes in pieces of CUT bytes; true when the end was seen, *RET_REST what lies behind it. */
static bool decode(struct smtp_data_decoder *d, struct slice in, size_t cut, struct buf *out,
                   size_t *ret_rest)
{
    smtp_data_decoder_init(d);
    for (size_t at = 0; at < in.len;) {
        struct slice piece = slice_of(in.p + at, in.len - at < cut ? in.len - at : cut);
        at += piece.len;
        while (piece.len > 0) {
            struct slice run;
            bool is_end = smtp_data_decode(d, &piece, &run);
            assert_true(buf_append_slice(out, run));
            if (is_end) {
                *ret_rest = in.len - at + piece.len;
                return true;
            }
        }
    }
    return false;
}

struct decode_case {
    struct slice in;
    const char *out; /* NULL: the end does not come */
    size_t rest;
    bool has_bare_cr, has_bare_lf, has_nul, has_8bit;
};

#define D(in, ...)                                                                                 \
    {                                                                                              \
        {in, sizeof(in) - 1}, __VA_ARGS__                                                          \
    }

static const struct decode_case decode_cases[] = {
    D(".\r\n", "", 0, 0, 0, 0, 0),
    D(".\r\nQUIT\r\n", "", 6, 0, 0, 0, 0),
    D("a\r\n.\r\n", "a\r\n", 0, 0, 0, 0, 0),
    D("..\r\n.\r\n", ".\r\n", 0, 0, 0, 0, 0),
    D(".a\r\n...\r\n.\r\n", "a\r\n..\r\n", 0, 0, 0, 0, 0),
    D("a.\r\n\r\n.\r\n", "a.\r\n\r\n", 0, 0, 0, 0, 0),
    D("a\xff\r\n.\r\n", "a\xff\r\n", 0, 0, 0, 0, 1),
    D("12345678\xff"
      "1234567\r\n.\r\n",
      "12345678\xff"
      "1234567\r\n",
      0, 0, 0, 0, 1),
    D("a\r\n.", NULL, 0, 0, 0, 0, 0),
    D("a\r\n.\r", NULL, 0, 0, 0, 0, 0),
    D("a\t\x0b\x0c\x01\r\n.\r\n", "a\t\x0b\x0c\x01\r\n", 0, 0, 0, 0, 0),
    /* The endings that are none. */
    D("a\n.\n", NULL, 0, 0, 1, 0, 0),
    D("a\r.\r", NULL, 0, 1, 0, 0, 0),
    D("a\r.\n", NULL, 0, 1, 1, 0, 0),
    D("a\n.\r", NULL, 0, 0, 1, 0, 0),
    D("a\n.\r\n", NULL, 0, 0, 1, 0, 0),
    D("a\r\n.\n", NULL, 0, 0, 1, 0, 0),
    D("a\r.\r\n", NULL, 0, 1, 0, 0, 0),
    D("a\r\n.\rx", NULL, 0, 1, 0, 0, 0),
    D("a\r\n\0.\r\n", NULL, 0, 0, 0, 1, 0),
    D("a\r\n.\0\r\n", NULL, 0, 0, 0, 1, 0),
    D("a\r\n.\r\r\n", NULL, 0, 1, 0, 0, 0),
    D("a\r\r\n.\r\r\n", NULL, 0, 1, 0, 0, 0),
};

static void test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decode_cases); i++) {
        const struct decode_case *c = &decode_cases[i];
        for (size_t cut = 1; cut <= c->in.len; cut++) {
            struct smtp_data_decoder d;
            struct buf out;
            size_t rest = 0;
            buf_init(&out, 0);
            if (decode(&d, c->in, cut, &out, &rest) != (c->out != NULL))
                fail_msg("case %zu cut at %zu", i, cut);
            if (c->out != NULL) {
                assert_true(slice_eq(buf_slice(&out), slice_str(c->out)));
                assert_int_equal(rest, c->rest);
            }
            assert_int_equal(d.has_bare_cr, c->has_bare_cr);
            assert_int_equal(d.has_bare_lf, c->has_bare_lf);
            assert_int_equal(d.has_nul, c->has_nul);
            assert_int_equal(d.has_8bit, c->has_8bit);
            buf_finish(&out);
        }
    }
}

static void encode(struct slice in, size_t cut, struct buf *out)
{
    struct smtp_data_encoder e;
    smtp_data_encoder_init(&e);
    for (size_t at = 0; at < in.len; at += cut)
        smtp_data_encode(&e, slice_of(in.p + at, in.len - at < cut ? in.len - at : cut), out);
    smtp_data_encode_end(&e, out);
}

static const struct {
    const char *in, *out;
} encode_cases[] = {
    {"", ".\r\n"},
    {"a\r\n", "a\r\n.\r\n"},
    {"a", "a\r\n.\r\n"},
    {".", "..\r\n.\r\n"},
    {"..\r\n.\r\n", "...\r\n..\r\n.\r\n"},
    {".\r\n.a\r\na.b\r\n", "..\r\n..a\r\na.b\r\n.\r\n"},
    {"\r\n", "\r\n.\r\n"},
    {"a\nb", "a\r\nb\r\n.\r\n"},
    {"a\rb", "a\r\nb\r\n.\r\n"},
    {"a\r", "a\r\n.\r\n"},
    {"a\n.\n", "a\r\n..\r\n.\r\n"},
    {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
    {"a\r\r\n.\n\r", "a\r\n\r\n..\r\n\r\n.\r\n"},
    {"a\n\n.", "a\r\n\r\n..\r\n.\r\n"},
    {"1234567890123456\r\n.1234567890123456\r\n",
     "1234567890123456\r\n..1234567890123456\r\n.\r\n"},
};

static void test_encode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(encode_cases); i++) {
        struct slice in = slice_str(encode_cases[i].in);
        for (size_t cut = 1; cut <= in.len + 1; cut++) {
            struct buf out;
            buf_init(&out, 0);
            encode(in, cut, &out);
            if (!slice_eq(buf_slice(&out), slice_str(encode_cases[i].out)))
                fail_msg("case %zu cut at %zu: '%s'", i, cut, buf_cstr(&out));
            buf_finish(&out);
        }
    }
}

/* Every text of up to six of the letters that matter: it decodes back, and nothing bare left. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const words[] = {"\r\n", ".", "a", "\r", "\n", "..\r\n"};
    for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 6; n++) {
        struct buf text, plain, wire, back;
        buf_init(&text, 0);
        buf_init(&plain, 0);
        buf_init(&wire, 0);
        buf_init(&back, 0);
        for (unsigned rest = n, i = 0; i < 5; i++, rest /= 6)
            assert_true(buf_append_str(&text, words[rest % 6]));
        struct slice s = buf_slice(&text);
        /* What it should come back as: every line end CRLF, the last line ended. */
        for (size_t i = 0; i < s.len; i++) {
            bool is_end = s.p[i] == '\r' || s.p[i] == '\n';
            if (s.p[i] == '\r' && i + 1 < s.len && s.p[i + 1] == '\n')
                i++;
            assert_true(is_end ? buf_append_str(&plain, "\r\n") : buf_append_char(&plain, s.p[i]));
        }
        struct slice p = buf_slice(&plain);
        if (p.len > 0 && p.p[p.len - 1] != '\n')
            assert_true(buf_append_str(&plain, "\r\n"));

        struct smtp_data_decoder d;
        size_t rest = 99;
        encode(s, 1 + n % 7, &wire);
        assert_true(decode(&d, buf_slice(&wire), 1 + n % 5, &back, &rest));
        assert_int_equal(rest, 0);
        assert_false(d.has_bare_cr || d.has_bare_lf);
        assert_true(slice_eq(buf_slice(&back), buf_slice(&plain)));
        buf_finish(&text);
        buf_finish(&plain);
        buf_finish(&wire);
        buf_finish(&back);
    }
}

/* A whole block of text is one slice of the input: nothing is copied, nothing cut. */
static void test_zero_copy(void **state)
{
    (void)state;
    char text[80 * 100];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'x';
    struct smtp_data_decoder d;
    struct slice in = slice_of(text, sizeof(text));
    struct slice run;
    smtp_data_decoder_init(&d);
    assert_false(smtp_data_decode(&d, &in, &run));
    assert_ptr_equal(run.p, text);
    assert_int_equal(run.len, sizeof(text));
    assert_int_equal(in.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_zero_copy),
    };
    return cmocka_run_group_tests_name("smtp/data", tests, NULL, NULL);
}
