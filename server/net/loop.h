/* An event loop as the rest of Postern sees it: a clock, timers, letters and a ration.
 *
 * `struct loop` is an interface: net/loop_uv.c runs it as one thread with one uv_loop, tests run
 * the same struct on a fake clock (tests/lib/fake_loop.h). No other file makes a uv timer; every
 * deadline is a loop_timer in the loop's heap, compared with base/clock.
 *
 * One iteration: I/O callbacks and due timers -> letters posted from outside -> deferred letters ->
 * at most LIMIT_TLS_HANDSHAKE_STEPS rationed steps. What is deferred or rationed while these run
 * comes in the next iteration, which follows at once.
 *
 * Owner thread: the loop's own, for everything here but loop_post, which any thread may call. */
#ifndef POSTERN_NET_LOOP_H
#define POSTERN_NET_LOOP_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/mailbox.h"

struct loop;

struct loop_ops {
    /* The earliest deadline changed. */
    void (*timers_changed)(struct loop *loop);
    /* Something waits in `deferred` or `rationed`: do not sleep before it ran. */
    void (*work_waits)(struct loop *loop);
};

/* Embedded in what runs it; fields are for loop.c and the two runners. */
struct loop {
    const struct loop_ops *ops;
    const struct clock *clock; /* borrowed, outlives the loop */
    struct mailbox mailbox;
    struct heap timers;
    struct list deferred; /* struct letter.node */
    struct list rationed; /* struct loop_step.node */
};

/* Embedded in what has a deadline; its owner stops it before freeing it. */
struct loop_timer {
    struct heap_node node; /* key: monotonic ms */
    struct loop *loop;
    void (*fire)(struct loop_timer *timer); /* the timer is stopped by then; may start it again */
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer));
/* Fires once AT_MONO_MS is reached, never inside this call. Starting it again moves it. */
void loop_timer_start(struct loop_timer *timer, uint64_t at_mono_ms);
void loop_timer_start_after(struct loop_timer *timer, uint64_t after_ms);
/* No-op on a stopped timer. */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);

static inline uint64_t loop_now_ms(const struct loop *loop)
{
    return clock_mono_ms(loop->clock);
}

/* From any thread: LETTER runs on the loop's thread. False when the loop has stopped: the letter
 * stays the caller's. */
bool loop_post(struct loop *loop, struct letter *letter) MUST_CHECK;
/* From the loop's own thread: LETTER runs at the end of this iteration. Its node is zeroed or
 * list_init-ed before the first use; no-op on a letter that waits already. loop_undefer takes it
 * back, a no-op when it does not wait. */
void loop_defer(struct loop *loop, struct letter *letter);
void loop_undefer(struct letter *letter);

/* Expensive work (a TLS handshake flight) of which an iteration does only a few, so that everybody
 * else gets a turn: first come, first served, LIMIT_TLS_HANDSHAKE_STEPS in an iteration. */
struct loop_step {
    struct list node; /* zeroed or list_init-ed before the first use */
    void (*run)(struct loop_step *step);
};

/* No-op on a step that waits already. */
void loop_ration(struct loop *loop, struct loop_step *step);
void loop_unration(struct loop_step *step);

/* --- the real loop (loop_uv.c) --- */

/* Makes a loop that no thread runs yet. */
int loop_create(const struct clock *clock, struct loop **ret_loop, struct error *reterr) MUST_CHECK;
/* Runs it on a thread of its own called NAME (at most 15 characters). */
int loop_start_thread(struct loop *loop, const char *name, struct error *reterr) MUST_CHECK;
/* From any thread: letters are refused from now on, the loop ends after what it has in hand. Stop
 * listeners, connections and resolvers first; what is still open is closed without a callback. */
void loop_stop(struct loop *loop);
/* Waits for the thread; not from the loop's own thread. */
void loop_join(struct loop *loop);
/* After loop_join, or without a thread ever. NULL is allowed. */
void loop_destroy(struct loop *loop);
/* True on the thread that runs LOOP. */
bool loop_is_current(const struct loop *loop);

/* --- for whoever runs a loop --- */

void loop_init(struct loop *loop, const struct loop_ops *ops, const struct clock *clock,
               void (*wake)(void *owner), void *owner);
void loop_finish(struct loop *loop);
/* Fires every timer due now; returns how many. */
size_t loop_run_timers(struct loop *loop);
/* The end of an iteration: deferred letters, then a ration of steps; returns how many ran. */
size_t loop_run_waiting(struct loop *loop);
bool loop_has_waiting(const struct loop *loop);
/* The earliest deadline, UINT64_MAX when there is none. */
uint64_t loop_next_ms(const struct loop *loop);

#endif
