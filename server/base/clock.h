/* Time and randomness, injected: nothing else in Postern calls clock_gettime, time or getrandom.
 *
 * Production uses clock_system(); tests own a struct clock_fake and move it by hand. Monotonic time
 * drives every timer and deadline, wall time is for logs, headers and what is stored. */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <stdint.h>

#include "base/compiler.h"

struct clock {
    uint64_t (*mono_ms)(const struct clock *clock); /* since some start, never goes back */
    int64_t (*wall_ms)(const struct clock *clock);  /* since 1970-01-01T00:00:00Z */
    void (*random)(const struct clock *clock, void *p, size_t len);
};

struct clock_fake {
    struct clock clock; /* hand out &fake.clock */
    uint64_t now_mono_ms;
    int64_t now_wall_ms;
    uint64_t random_state;
};

const struct clock *clock_system(void);
void clock_fake_init(struct clock_fake *fake, int64_t wall_ms);
/* Both clocks go forward together. */
void clock_fake_advance(struct clock_fake *fake, uint64_t by_ms);

static inline uint64_t clock_mono_ms(const struct clock *clock)
{
    return clock->mono_ms(clock);
}
static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}
/* Uniform in [0, bound); bound > 0. */
uint64_t clock_random_below(const struct clock *clock, uint64_t bound);

#endif
