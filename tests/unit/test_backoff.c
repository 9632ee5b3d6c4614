/* queue/backoff: the curve, its jitter, its edges. */
#include "queue/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"

static void test_curve(void **state)
{
    (void)state;
    static const uint64_t seconds[] = {60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
    for (uint32_t i = 0; i < ARRAY_LEN(seconds); i++) {
        uint64_t tenth = seconds[i] * 100;
        assert_int_equal(backoff_delay_ms(60000, 3600000, i + 1, 0), seconds[i] * 1000 - tenth);
        assert_int_equal(backoff_delay_ms(60000, 3600000, i + 1, tenth), seconds[i] * 1000);
        assert_int_equal(backoff_delay_ms(60000, 3600000, i + 1, 2 * tenth),
                         seconds[i] * 1000 + tenth);
        for (uint64_t random = 1; random < UINT64_MAX / 7; random = random * 5 + 3) {
            uint64_t delay = backoff_delay_ms(60000, 3600000, i + 1, random);
            assert_true(delay >= seconds[i] * 900 && delay <= seconds[i] * 1100);
        }
    }
}

static void test_edges(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay_ms(0, 0, 1, 5), 1);
    assert_int_equal(backoff_delay_ms(0, 100, 0, 0), 1);
    assert_int_equal(backoff_delay_ms(500, 100, 1, 10), 100);
    assert_true(backoff_delay_ms(1, UINT64_MAX, UINT32_MAX, 0) > UINT64_MAX / 8);
    assert_true(backoff_delay_ms(UINT64_MAX, UINT64_MAX, 9, UINT64_MAX) < UINT64_MAX / 2);
    assert_int_equal(backoff_delay_ms(60000, 3600000, UINT32_MAX, 360000), 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
