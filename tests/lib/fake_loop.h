/* A loop for tests: the same struct loop, run by hand on a fake clock, no thread and no socket. */
#ifndef POSTERN_TESTS_FAKE_LOOP_H
#define POSTERN_TESTS_FAKE_LOOP_H

#include "base/clock.h"
#include "net/loop.h"

struct fake_loop {
    struct loop loop; /* hand out &fake.loop */
    struct clock_fake *clock;
};

/* CLOCK is the test's; several fake loops may share it. */
void fake_loop_init(struct fake_loop *fake, struct clock_fake *clock);
void fake_loop_finish(struct fake_loop *fake);
/* One iteration at the present time; returns how many callbacks ran. */
size_t fake_loop_turn(struct fake_loop *fake);
/* Turns until nothing is left to do now. The clock stands still. */
void fake_loop_settle(struct fake_loop *fake);
/* Moves the clock from deadline to deadline up to monotonic UNTIL_MS, settling at each. */
void fake_loop_run_until(struct fake_loop *fake, uint64_t until_ms);
void fake_loop_run_for(struct fake_loop *fake, uint64_t for_ms);

#endif
