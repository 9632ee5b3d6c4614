/* The two clocks: the system's, and the fake one of the tests.
 *
 * This is the only file that asks the kernel for time or randomness; everything else is handed a
 * `const struct clock *`, which is what lets a test run a 72 hour retry curve in a millisecond and
 * get the same "random" numbers each time. The system clock has no state and serves all threads;
 * a fake belongs to one test thread (its fields move behind the const pointer: the fake is the
 * containing object, and that one is never const). */
#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t system_mono_ms(const struct clock *clock)
{
    struct timespec ts;
    (void)clock;
    int r = clock_gettime(CLOCK_MONOTONIC, &ts);
    ASSERT(r == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(const struct clock *clock)
{
    struct timespec ts;
    (void)clock;
    int r = clock_gettime(CLOCK_REALTIME, &ts);
    ASSERT(r == 0);
    return (int64_t)ts.tv_sec * 1000 + (int64_t)ts.tv_nsec / 1000000;
}

static void system_random(const struct clock *clock, void *p, size_t len)
{
    char *at = p;
    (void)clock;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        /* A kernel without getrandom: nothing that follows would be safe. */
        ASSERT(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {
        .mono_ms = system_mono_ms,
        .wall_ms = system_wall_ms,
        .random = system_random,
    };
    return &system_clock;
}

static struct clock_fake *fake_of(const struct clock *clock)
{
    return CONTAINER_OF(clock, struct clock_fake, clock);
}

static uint64_t fake_mono_ms(const struct clock *clock)
{
    return fake_of(clock)->now_mono_ms;
}

static int64_t fake_wall_ms(const struct clock *clock)
{
    return fake_of(clock)->now_wall_ms;
}

/* SplitMix64: each call goes on where the last one stopped. */
static void fake_random(const struct clock *clock, void *p, size_t len)
{
    struct clock_fake *fake = fake_of(clock);
    char *at = p;
    while (len > 0) {
        fake->random_state += 0x9e3779b97f4a7c15u;
        uint64_t z = fake->random_state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        size_t n = len < sizeof(z) ? len : sizeof(z);
        memcpy(at, &z, n);
        at += n;
        len -= n;
    }
}

void clock_fake_init(struct clock_fake *fake, int64_t wall_ms)
{
    *fake = (struct clock_fake){
        .clock = {.mono_ms = fake_mono_ms, .wall_ms = fake_wall_ms, .random = fake_random},
        /* Not 0: a deadline of 0 would look like "none" to code that errs. */
        .now_mono_ms = 1000,
        .now_wall_ms = wall_ms,
        .random_state = 1,
    };
}

void clock_fake_advance(struct clock_fake *fake, uint64_t by_ms)
{
    fake->now_mono_ms += by_ms;
    fake->now_wall_ms += (int64_t)by_ms;
}

uint64_t clock_random_below(const struct clock *clock, uint64_t bound)
{
    ASSERT(bound > 0);
    /* Numbers under 2^64 mod bound would favour small results: draw again. */
    uint64_t reject_below = (0 - bound) % bound;
    uint64_t n;
    do {
        clock->random(clock, &n, sizeof(n));
    } while (n < reject_below);
    return n % bound;
}
