/* api/cookie: which of the cookies that came is ours, and what its value is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/cookie.h"

static void test_find(void **state)
{
    static const struct {
        const char *header, *value;
    } rows[] = {
        {"c=1", "1"},
        {"a=b; c=1", "1"},
        {"c=1; a=b", "1"},
        {"a=b;c=1;d=e", "1"},
        {"  c=1\t", "1"},
        {"a=b;\t c=1 ;", "1"},
        {";;; ;c=1;;", "1"},
        {"c=1=2", "1=2"},
        {"c==", "="},
        {"c=\"1\"", "\"1\""}, /* quotes are a part of the value, RFC 6265 4.1.1 */
        {"c= 1", " 1"},
        {"c=1,c=2", "1,c=2"},
        {"C=2; c=1", "1"},
        {"cc=2; c=1; xc=3", "1"},
        {"a=c=2; c=1", "1"},
        {"", ""},
        {";", ""},
        {"=", ""},
        {"c", ""},
        {"c=", ""},
        {"C=1", ""},
        {"=c=1", ""},
        {"c =1", ""},
        {"c\r=1", ""},
        {"a=b c=1", ""},
        {"a=b,c=1", ""},
        {"\"c\"=1", ""},
        {"$c=1", ""},
        {"c=1; c=2", ""},
        {"c=1; c=1", ""},
        {"c=1; a=b; c", ""},
        {"c; c=1", ""},
        {"c=; c=1", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice found = cookie_find(slice_str(rows[i].header), SLICE("c"));
        if (!slice_eq(found, slice_str(rows[i].value)))
            fail_msg("row %zu, %s: %.*s", i, rows[i].header, SLICE_ARGS(found));
    }
}

/* No byte ends a header early, NUL neither. */
static void test_bytes(void **state)
{
    char header[] = "a=?b; c=1; d";

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        header[2] = (char)byte;
        assert_true(
            slice_eq(cookie_find(slice_of(header, sizeof(header)), SLICE("c")), SLICE("1")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
