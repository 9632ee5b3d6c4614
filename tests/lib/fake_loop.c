/* A loop run by hand. See fake_loop.h. Letters posted from outside wait in the mailbox until the
 * next turn, as in the real loop; nothing is woken, the test turns the crank. */
#include "fake_loop.h"

#include "base/compiler.h"

/* A test that never settles has a bug; the number is far above any honest one. */
enum { FAKE_TURNS_MAX = 10000000 };

static void nothing(struct loop *loop)
{
    (void)loop;
}

static void no_wake(void *owner)
{
    (void)owner;
}

static const struct loop_ops fake_ops = {.timers_changed = nothing, .work_waits = nothing};

void fake_loop_init(struct fake_loop *fake, struct clock_fake *clock)
{
    fake->clock = clock;
    loop_init(&fake->loop, &fake_ops, &clock->clock, no_wake, NULL);
}

void fake_loop_finish(struct fake_loop *fake)
{
    fake_loop_settle(fake);
    mailbox_close(&fake->loop.mailbox);
    loop_finish(&fake->loop);
}

size_t fake_loop_turn(struct fake_loop *fake)
{
    size_t ran = loop_run_timers(&fake->loop);
    ran += mailbox_drain(&fake->loop.mailbox);
    return ran + loop_run_waiting(&fake->loop);
}

void fake_loop_settle(struct fake_loop *fake)
{
    for (int turns = 0; fake_loop_turn(fake) > 0; turns++)
        ASSERT(turns < FAKE_TURNS_MAX);
}

void fake_loop_run_until(struct fake_loop *fake, uint64_t until_ms)
{
    for (;;) {
        fake_loop_settle(fake);
        uint64_t now = loop_now_ms(&fake->loop);
        uint64_t next = loop_next_ms(&fake->loop);
        if (next > until_ms)
            next = until_ms;
        if (next <= now)
            return;
        clock_fake_advance(fake->clock, next - now);
    }
}

void fake_loop_run_for(struct fake_loop *fake, uint64_t for_ms)
{
    fake_loop_run_until(fake, loop_now_ms(&fake->loop) + for_ms);
}
