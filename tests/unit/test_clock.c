/* base/clock: the fake goes only where it is told and repeats its "random" numbers; the system
 * clock is asked for its direction alone, never for how much time passed. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_fake_moves_by_hand(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 1700000000000);
    uint64_t start = clock_mono_ms(&fake.clock);
    assert_true(start > 0);
    assert_int_equal(clock_wall_ms(&fake.clock), 1700000000000);
    assert_int_equal(clock_mono_ms(&fake.clock), start);
    clock_fake_advance(&fake, 259200000);
    assert_int_equal(clock_mono_ms(&fake.clock), start + 259200000);
    assert_int_equal(clock_wall_ms(&fake.clock), 1700259200000);
}

static void test_fake_random_repeats(void **state)
{
    (void)state;
    struct clock_fake a, b;
    unsigned char from_a[37], from_b[37], more[37];
    clock_fake_init(&a, 0);
    clock_fake_init(&b, 5);
    a.clock.random(&a.clock, from_a, sizeof(from_a));
    b.clock.random(&b.clock, from_b, sizeof(from_b));
    assert_memory_equal(from_a, from_b, sizeof(from_a));
    a.clock.random(&a.clock, more, sizeof(more));
    assert_memory_not_equal(from_a, more, sizeof(more));
}

static void test_random_below_is_uniform(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    unsigned seen[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t n = clock_random_below(&fake.clock, 10);
        assert_true(n < 10);
        seen[n]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        assert_in_range(seen[i], 9500, 10500);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(clock_random_below(&fake.clock, 1), 0);
        assert_true(clock_random_below(&fake.clock, UINT64_MAX) < UINT64_MAX);
    }
}

/* A generator that returns what the test says, to reach the numbers that must be drawn again. */
static uint64_t script[4];
static size_t script_at;

static void script_random(const struct clock *clock, void *p, size_t len)
{
    (void)clock;
    assert_int_equal(len, sizeof(script[0]));
    memcpy(p, &script[script_at++], len);
}

static void test_random_below_redraws(void **state)
{
    (void)state;
    struct clock clock = {.random = script_random};
    /* 2^64 mod 10 is 6: 0..5 would make small results likelier. */
    script[0] = 0;
    script[1] = 5;
    script[2] = 6;
    script_at = 0;
    assert_int_equal(clock_random_below(&clock, 10), 6);
    assert_int_equal(script_at, 3);
}

static void test_system(void **state)
{
    (void)state;
    const struct clock *clock = clock_system();
    uint64_t before = clock_mono_ms(clock);
    assert_true(clock_mono_ms(clock) >= before);
    /* Some time after 2020. */
    assert_true(clock_wall_ms(clock) > 1577836800000);
    unsigned char a[32] = {0}, b[32] = {0};
    clock->random(clock, a, sizeof(a));
    clock->random(clock, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake_moves_by_hand),
        cmocka_unit_test(test_fake_random_repeats),
        cmocka_unit_test(test_random_below_is_uniform),
        cmocka_unit_test(test_random_below_redraws),
        cmocka_unit_test(test_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
