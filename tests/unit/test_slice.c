/* base/slice and base/log: lengths rule, not NULs; case is ASCII's; numbers are strict; a log line
 * stays one line whatever stands in it. */
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static const struct slice none = {0};

static void test_equality(void **state)
{
    (void)state;
    assert_true(slice_eq(SLICE("abc"), SLICE("abc")));
    assert_false(slice_eq(SLICE("abc"), SLICE("abC")));
    assert_false(slice_eq(SLICE("abc"), SLICE("abcd")));
    assert_true(slice_eq(none, SLICE("")));
    assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
    assert_true(slice_eq_nocase(SLICE("StartTLS"), SLICE("STARTtls")));
    assert_false(slice_eq_nocase(SLICE("a"), SLICE("ab")));
    assert_true(slice_eq_nocase(none, none));
    /* '@' and '`', '[' and '{' differ in the same bit as letters do. */
    assert_false(slice_eq_nocase(SLICE("@["), SLICE("`{")));
    assert_false(slice_eq_nocase(SLICE("\xc4"), SLICE("\xe4")));
    assert_int_equal(slice_str(NULL).len, 0);
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(slice_starts_nocase(SLICE("MAIL FROM:<>"), SLICE("mail from:")));
    assert_false(slice_starts_nocase(SLICE("MAI"), SLICE("mail")));
    assert_true(slice_starts_nocase(SLICE("x"), none));
    assert_true(slice_ends_nocase(SLICE("a.Example.TEST"), SLICE(".example.test")));
    assert_false(slice_ends_nocase(SLICE("example.test"), SLICE(".example.test")));
    assert_false(slice_ends_nocase(SLICE("badexample.test"), SLICE(".example.test")));
    assert_true(slice_ends_nocase(none, none));
}

static void test_trim_and_cut(void **state)
{
    (void)state;
    assert_true(slice_eq(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
    assert_int_equal(slice_trim(none).len, 0);
    assert_true(slice_eq(slice_trim(SLICE("a\r\n")), SLICE("a\r\n")));
    assert_int_equal(slice_find(SLICE("abcb"), 'b'), 1);
    assert_int_equal(slice_find(SLICE("abc"), 'x'), 3);
    assert_int_equal(slice_find(none, 'x'), 0);

    struct slice rest = SLICE("SIZE=10 BODY=8BITMIME  X");
    assert_true(slice_eq(slice_cut(&rest, ' '), SLICE("SIZE=10")));
    assert_true(slice_eq(slice_cut(&rest, ' '), SLICE("BODY=8BITMIME")));
    assert_true(slice_eq(slice_cut(&rest, ' '), SLICE("")));
    assert_true(slice_eq(slice_cut(&rest, ' '), SLICE("X")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(slice_cut(&rest, ' ').len, 0);
    rest = SLICE("a:");
    assert_true(slice_eq(slice_cut(&rest, ':'), SLICE("a")));
    assert_int_equal(rest.len, 0);
    rest = none;
    assert_int_equal(slice_cut(&rest, ':').len, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    unsigned long long value = 99;
    static const char *bad[] = {"",
                                " 1",
                                "1 ",
                                "+1",
                                "-1",
                                "1a",
                                "0x1",
                                "1.0",
                                "256",
                                "2560",
                                "18446744073709551616",
                                "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (slice_to_u64(slice_str(bad[i]), 255, &value))
            fail_msg("'%s' should be no number up to 255", bad[i]);
    }
    assert_int_equal(value, 99); /* written on success alone */
    assert_true(slice_to_u64(SLICE("255"), 255, &value));
    assert_int_equal(value, 255);
    assert_true(slice_to_u64(SLICE("0"), 0, &value));
    assert_false(slice_to_u64(SLICE("1"), 0, &value));
    assert_false(slice_to_u64(SLICE("9"), 5, &value));
    assert_true(slice_to_u64(SLICE("007"), 255, &value));
    assert_int_equal(value, 7);
    assert_true(slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_false(slice_to_u64(SLICE("18446744073709551616"), UINT64_MAX, &value));
    assert_true(slice_to_u64(slice_of("1234", 2), 255, &value));
    assert_int_equal(value, 12);
}

static void test_dup(void **state)
{
    (void)state;
    char *copy = slice_dup(slice_of("abcdef", 3));
    assert_string_equal(copy, "abc");
    free(copy);
    copy = slice_dup(none);
    assert_string_equal(copy, "");
    free(copy);
}

/* What LOG writes to standard error, caught in a pipe (one line always fits in it). */
static size_t catch_log(const char *text, char *out, size_t out_size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_warning("%s", text);
    log_debug("not shown by default");
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(ends[1]);
    size_t len = 0;
    for (;;) {
        ssize_t n = read(ends[0], out + len, out_size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    (void)close(ends[0]);
    out[len] = '\0';
    return len;
}

static void test_log_is_one_line(void **state)
{
    (void)state;
    static char out[8192], longer[5000];
    (void)catch_log("plain text", out, sizeof(out));
    assert_string_equal(out, "postern: warning: plain text\n");
    (void)catch_log("a\npostern: error: forged\x1b[2J\xff", out, sizeof(out));
    assert_string_equal(out, "postern: warning: a\\x0apostern: error: forged\\x1b[2J\\xff\n");
    memset(longer, '\n', sizeof(longer) - 1);
    size_t len = catch_log(longer, out, sizeof(out));
    assert_int_equal(out[len - 1], '\n');
    assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),     cmocka_unit_test(test_ends),
        cmocka_unit_test(test_trim_and_cut), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_dup),          cmocka_unit_test(test_log_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
