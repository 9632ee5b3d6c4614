/* smtp/params: SIZE and BODY, and everything that is not one of them. */
#include "smtp/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct params_case {
    const char *in;
    enum smtp_params_result result;
    bool has_size, is_8bit;
    uint64_t size;
};

static const struct params_case cases[] = {
    {"", SMTP_PARAMS_OK, false, false, 0},
    {"   ", SMTP_PARAMS_OK, false, false, 0},
    {" SIZE=0", SMTP_PARAMS_OK, true, false, 0},
    {" size=12345  body=8bitMIME ", SMTP_PARAMS_OK, true, true, 12345},
    {" BODY=7BIT", SMTP_PARAMS_OK, false, false, 0},
    {" SIZE=18446744073709551615", SMTP_PARAMS_OK, true, false, UINT64_MAX},
    {" SIZE=18446744073709551616", SMTP_PARAMS_OK, true, false, UINT64_MAX},
    {" SIZE=99999999999999999999", SMTP_PARAMS_OK, true, false, UINT64_MAX},
    {" SIZE=100000000000000000000", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=-1", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=+1", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=0x10", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=1=1", SMTP_PARAMS_BAD, false, false, 0},
    {" SIZE=1 SIZE=1", SMTP_PARAMS_BAD, false, false, 0},
    {" BODY=7BIT BODY=8BITMIME", SMTP_PARAMS_BAD, false, false, 0},
    {" BODY=BINARYMIME", SMTP_PARAMS_BAD, false, false, 0},
    {" BODY", SMTP_PARAMS_BAD, false, false, 0},
    {" FOO", SMTP_PARAMS_UNKNOWN, false, false, 0},
    {" SMTPUTF8", SMTP_PARAMS_UNKNOWN, false, false, 0},
    {" AUTH=<>", SMTP_PARAMS_UNKNOWN, false, false, 0},
    {" SIZE=1 RET=FULL", SMTP_PARAMS_UNKNOWN, false, false, 0},
    {" =1", SMTP_PARAMS_BAD, false, false, 0},
    {" -X=1", SMTP_PARAMS_BAD, false, false, 0},
    {" F_OO=1", SMTP_PARAMS_BAD, false, false, 0},
    {" FOO=\xc3\xa4", SMTP_PARAMS_BAD, false, false, 0},
    {" F\tOO", SMTP_PARAMS_BAD, false, false, 0},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct params_case *c = &cases[i];
        struct smtp_params p = {0};
        if (smtp_params_parse(slice_str(c->in), SMTP_PARAMS_FOR_MAIL, &p) != c->result)
            fail_msg("'%s'", c->in);
        assert_int_equal(p.has_size, c->has_size);
        assert_int_equal(p.is_8bit, c->is_8bit);
        assert_true(p.size == c->size);
    }
}

static void test_rcpt_has_none(void **state)
{
    (void)state;
    struct smtp_params p;
    assert_int_equal(smtp_params_parse(SLICE(" "), SMTP_PARAMS_FOR_RCPT, &p), SMTP_PARAMS_OK);
    assert_int_equal(smtp_params_parse(SLICE(" SIZE=1"), SMTP_PARAMS_FOR_RCPT, &p),
                     SMTP_PARAMS_UNKNOWN);
    assert_int_equal(smtp_params_parse(SLICE(" NOTIFY=NEVER"), SMTP_PARAMS_FOR_RCPT, &p),
                     SMTP_PARAMS_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_rcpt_has_none),
    };
    return cmocka_run_group_tests_name("smtp/params", tests, NULL, NULL);
}
