/* The text of a token: one known one (scanners are written against it), and that no other text than
 * the one that was made is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "config/base32.h"
#include "config/tokens_text.h"

static const uint8_t id[TOKEN_ID_BYTES] = {0, 1, 2, 3, 255};
static const uint8_t secret[TOKEN_SECRET_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0,
                                                   9, 8, 7, 6, 5, 4, 3, 2, 1, 255};

/* Computed by another program. */
static void test_known(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LEN + 1];
    struct slice found;
    token_text_make(id, secret, text);
    assert_string_equal(text, "pst_000g40zz_041061050r3gg2801440e1g50g1g40fz_yc50h40");
    assert_true(token_text_parse(slice_str(text), &found));
    assert_true(slice_eq(found, SLICE("000g40zz")));
    assert_ptr_equal(found.p, text + 4);
}

/* Any other byte in any place, one byte less, one more: not a token. */
static void test_nothing_else(void **state)
{
    (void)state;
    char text[TOKEN_TEXT_LEN + 2];
    struct slice found;
    token_text_make(id, secret, text);
    for (size_t at = 0; at < TOKEN_TEXT_LEN; at++) {
        char right = text[at];
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            assert_int_equal(token_text_parse(slice_of(text, TOKEN_TEXT_LEN), &found),
                             text[at] == right);
        }
        text[at] = right;
    }
    for (size_t len = 0; len < TOKEN_TEXT_LEN; len++)
        assert_false(token_text_parse(slice_of(text, len), &found));
    text[TOKEN_TEXT_LEN] = '0';
    assert_false(token_text_parse(slice_of(text, TOKEN_TEXT_LEN + 1), &found));
    assert_false(token_text_parse(slice_of(NULL, 0), &found));
}

/* A right check does not make a token of other signs. */
static void test_form_before_check(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "pst_000G40ZZ_041061050r3gg2801440e1g50g1g40fz",
        "pst_000g40zz_041061050R3GG2801440E1G50G1G40FZ",
        "pst_000g40uz_041061050r3gg2801440e1g50g1g40fz",
        "pst_000g40zz_041061050r3gg2801440e1g50g1g40f-",
        "PST_000g40zz_041061050r3gg2801440e1g50g1g40fz",
        "pst_000g40zz-041061050r3gg2801440e1g50g1g40fz",
    };
    struct slice found;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[TOKEN_TEXT_LEN + 1], check[8];
        uint32_t crc = crc32c(0, texts[i], 45);
        const uint8_t bytes[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                                 (uint8_t)crc};
        assert_int_equal(strlen(texts[i]), 45);
        base32_encode(bytes, 4, check);
        (void)snprintf(text, sizeof(text), "%s_%s", texts[i], check);
        assert_false(token_text_parse(slice_of(text, TOKEN_TEXT_LEN), &found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_nothing_else),
        cmocka_unit_test(test_form_before_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
