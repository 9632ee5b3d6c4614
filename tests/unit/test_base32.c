/* base32: known texts, every length there and back, and that each value has one text only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "config/base32.h"

static void test_known(void **state)
{
    (void)state;
    const struct {
        struct slice bytes;
        const char *text;
    } cases[] = {
        {SLICE(""), ""},
        {SLICE("\0"), "00"},
        {SLICE("\xff"), "zw"},
        {SLICE("f"), "cr"},
        {SLICE("foobar"), "csqpyrk1e8"},
        {SLICE("\x01\x23\x45\x67\x89\xab\xcd\xef"), "04hmasw9nf6yy"},
        {SLICE("\xff\xff\xff\xff\xff"), "zzzzzzzz"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[32];
        base32_encode((const uint8_t *)cases[i].bytes.p, cases[i].bytes.len, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(strlen(text), BASE32_LEN(cases[i].bytes.len));
    }
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct clock_fake clock;
    uint8_t bytes[40], again[40];
    char text[BASE32_LEN(40) + 1];
    clock_fake_init(&clock, 0);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        clock.clock.random(&clock.clock, bytes, sizeof(bytes));
        base32_encode(bytes, len, text);
        assert_true(base32_decode(slice_str(text), again, len));
        assert_memory_equal(bytes, again, len);
        assert_false(base32_decode(slice_str(text), again, len + 1));
        if (len > 0)
            assert_false(base32_decode(slice_of(text, strlen(text) - 1), again, len));
    }
}

/* Of all signs in the last place only those decode whose spare bits are zero. */
static void test_one_text_a_value(void **state)
{
    (void)state;
    uint8_t bytes[2];
    unsigned right = 0;
    for (unsigned c = 0; c < 256; c++) {
        const char text[] = {'z', (char)c};
        right += base32_decode(slice_of(text, 2), bytes, 1);
    }
    assert_int_equal(right, 8);
    static const char *const wrong[] = {"zz", "ZW", "0i", "l0", "o0", "u0", "0-", " 0", "0\n"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(base32_decode(slice_str(wrong[i]), bytes, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_one_text_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
