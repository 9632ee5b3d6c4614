/* queue/outcome: the table against its prose, and that every stage and code has an answer. */
#include "queue/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    enum outcome_stage stage;
    int code;
    enum outcome_verdict verdict;
    const char *enhanced;
    bool is_destination;
} cases[] = {
    {OUTCOME_STAGE_END,      250, OUTCOME_VERDICT_DELIVERED, "2.0.0", false},
    {OUTCOME_STAGE_DATA,     250, OUTCOME_VERDICT_RETRY,     "4.5.0", true},
    {OUTCOME_STAGE_RCPT,     250, OUTCOME_VERDICT_RETRY,     "4.5.0", true},
    {OUTCOME_STAGE_END,      354, OUTCOME_VERDICT_RETRY,     "4.5.0", true},
    {OUTCOME_STAGE_RCPT,     550, OUTCOME_VERDICT_BOUNCE,    "5.1.0", false},
    {OUTCOME_STAGE_RCPT,     552, OUTCOME_VERDICT_RETRY,     "4.5.3", false}, /* RFC 5321 4.5.3.1.10 */
    {OUTCOME_STAGE_RCPT,     452, OUTCOME_VERDICT_RETRY,     "4.5.3", false},
    {OUTCOME_STAGE_RCPT,     450, OUTCOME_VERDICT_RETRY,     "4.3.0", false},
    {OUTCOME_STAGE_RCPT,     421, OUTCOME_VERDICT_RETRY,     "4.3.2", true},
    {OUTCOME_STAGE_MAIL,     552, OUTCOME_VERDICT_BOUNCE,    "5.3.4", false},
    {OUTCOME_STAGE_MAIL,     530, OUTCOME_VERDICT_BOUNCE,    "5.7.0", false},
    {OUTCOME_STAGE_END,      554, OUTCOME_VERDICT_BOUNCE,    "5.3.0", false},
    {OUTCOME_STAGE_END,      451, OUTCOME_VERDICT_RETRY,     "4.3.0", false},
    {OUTCOME_STAGE_DATA,     554, OUTCOME_VERDICT_BOUNCE,    "5.3.0", false},
    {OUTCOME_STAGE_END,      OUTCOME_EVENT_LOST,    OUTCOME_VERDICT_RETRY, "4.4.0", true},
    {OUTCOME_STAGE_END,      OUTCOME_EVENT_TIMEOUT, OUTCOME_VERDICT_RETRY, "4.4.1", true},
    {OUTCOME_STAGE_GREETING, 554, OUTCOME_VERDICT_RETRY,     "4.3.2", true},
    {OUTCOME_STAGE_GREETING, 421, OUTCOME_VERDICT_RETRY,     "4.3.2", true},
    {OUTCOME_STAGE_EHLO,     550, OUTCOME_VERDICT_RETRY,     "4.3.2", true},
    {OUTCOME_STAGE_TLS,      454, OUTCOME_VERDICT_RETRY,     "4.7.5", true},
    {OUTCOME_STAGE_TLS,      500, OUTCOME_VERDICT_RETRY,     "4.7.5", true},
    {OUTCOME_STAGE_TLS,      OUTCOME_EVENT_ERROR,   OUTCOME_VERDICT_RETRY, "4.7.5", true},
    {OUTCOME_STAGE_CONNECT,  OUTCOME_EVENT_LOST,    OUTCOME_VERDICT_RETRY, "4.4.0", true},
    {OUTCOME_STAGE_CONNECT,  OUTCOME_EVENT_TIMEOUT, OUTCOME_VERDICT_RETRY, "4.4.1", true},
    {OUTCOME_STAGE_DNS,      OUTCOME_EVENT_NO_DOMAIN, OUTCOME_VERDICT_BOUNCE, "5.1.2", false},
    {OUTCOME_STAGE_DNS,      OUTCOME_EVENT_NULL_MX, OUTCOME_VERDICT_BOUNCE, "5.1.10", false},
    {OUTCOME_STAGE_DNS,      OUTCOME_EVENT_LOOP,    OUTCOME_VERDICT_BOUNCE, "5.4.6", false},
    {OUTCOME_STAGE_DNS,      OUTCOME_EVENT_DNS,     OUTCOME_VERDICT_RETRY, "4.4.3", true},
    {OUTCOME_STAGE_DNS,      OUTCOME_EVENT_TIMEOUT, OUTCOME_VERDICT_RETRY, "4.4.1", true},
    {OUTCOME_STAGE_MAIL,     OUTCOME_EVENT_NO_8BIT, OUTCOME_VERDICT_BOUNCE, "5.6.3", false},
    {OUTCOME_STAGE_MAIL,     OUTCOME_EVENT_TOO_BIG, OUTCOME_VERDICT_BOUNCE, "5.3.4", false},
    {OUTCOME_STAGE_LOCAL,    OUTCOME_EVENT_ERROR,   OUTCOME_VERDICT_RETRY, "4.3.0", false},
};
/* clang-format on */

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct outcome_result result = {.stage = cases[i].stage, .code = cases[i].code};
        struct outcome outcome = outcome_decide(&result);
        if (outcome.verdict != cases[i].verdict ||
            strcmp(outcome.enhanced, cases[i].enhanced) != 0 ||
            outcome.is_destination != cases[i].is_destination)
            fail_msg("case %zu: verdict %d %s", i, (int)outcome.verdict, outcome.enhanced);
    }
}

/* Nothing before MAIL returns a message but DNS and local findings; only the dot delivers; the
 * class digit agrees with the verdict. */
static void test_properties(void **state)
{
    (void)state;
    for (int stage = OUTCOME_STAGE_LOCAL; stage <= OUTCOME_STAGE_END; stage++) {
        for (int code = -1; code <= 1000; code++) {
            const struct outcome_result result = {.stage = (enum outcome_stage)stage, .code = code};
            struct outcome outcome = outcome_decide(&result);
            static const char digits[] = {'2', '4', '5'};
            assert_int_equal(outcome.enhanced[0], digits[outcome.verdict]);
            assert_true(strlen(outcome.text) > 0);
            if (outcome.verdict == OUTCOME_VERDICT_DELIVERED)
                assert_true(stage == OUTCOME_STAGE_END && code / 100 == 2);
            if (stage < OUTCOME_STAGE_MAIL && code >= 100)
                assert_int_equal(outcome.verdict, OUTCOME_VERDICT_RETRY);
            if (code / 100 == 4)
                assert_int_equal(outcome.verdict, OUTCOME_VERDICT_RETRY);
        }
    }
    assert_int_equal(outcome_expired().verdict, OUTCOME_VERDICT_BOUNCE);
    assert_string_equal(outcome_expired().enhanced, "5.4.7");
}

static void check_said(struct slice enhanced, struct slice text, const char *want)
{
    char *said = outcome_said(enhanced, text);
    assert_string_equal(said, want);
    free(said);
}

static void test_said(void **state)
{
    (void)state;
    check_said(SLICE("5.1.1"), SLICE("no"), "5.1.1 no");
    check_said(SLICE("5.1.1"), SLICE("no\nnever"), "5.1.1 no\n5.1.1 never");
    check_said(slice_of(NULL, 0), SLICE("no\n\nnever"), "no\n\nnever");
    check_said(SLICE("5.1.1"), slice_of(NULL, 0), "5.1.1 ");
    check_said(slice_of(NULL, 0), slice_of(NULL, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_said),
        cmocka_unit_test(test_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
