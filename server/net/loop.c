/* The part of a loop that every runner shares: timer heap, letters, deferred work, the ration.
 *
 * It never waits and knows no libuv: loop_uv.c and the tests' fake loop decide when to call
 * loop_run_timers and loop_run_waiting.
 *
 * Invariants: a timer is in `timers` or stopped; a letter or step is in at most one list. A round
 * of loop_run_waiting runs what waited when it began, so work that defers itself again cannot
 * starve the sockets. Owner thread: the loop's; only loop_post is called by others. */
#include "net/loop.h"

#include "base/limits.h"

void loop_init(struct loop *loop, const struct loop_ops *ops, const struct clock *clock,
               void (*wake)(void *owner), void *owner)
{
    loop->ops = ops;
    loop->clock = clock;
    mailbox_init(&loop->mailbox, wake, owner);
    heap_init(&loop->timers);
    list_init(&loop->deferred);
    list_init(&loop->rationed);
}

void loop_finish(struct loop *loop)
{
    mailbox_finish(&loop->mailbox);
    heap_finish(&loop->timers);
}

/* --- timers --- */

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer))
{
    *timer = (struct loop_timer){.loop = loop, .fire = fire};
}

void loop_timer_start(struct loop_timer *timer, uint64_t at_mono_ms)
{
    struct loop *loop = timer->loop;
    uint64_t before = loop_next_ms(loop);
    heap_remove(&loop->timers, &timer->node);
    heap_add(&loop->timers, &timer->node, at_mono_ms);
    /* A runner that wakes too early looks again; only an earlier deadline must be told. */
    if (at_mono_ms < before)
        loop->ops->timers_changed(loop);
}

void loop_timer_start_after(struct loop_timer *timer, uint64_t after_ms)
{
    uint64_t now = loop_now_ms(timer->loop);
    loop_timer_start(timer, after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->loop != NULL)
        heap_remove(&timer->loop->timers, &timer->node);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    return timer->node.index != 0;
}

uint64_t loop_next_ms(const struct loop *loop)
{
    const struct heap_node *node = heap_peek(&loop->timers);
    return node == NULL ? UINT64_MAX : node->key;
}

size_t loop_run_timers(struct loop *loop)
{
    /* One reading of the clock: a timer that starts itself again for "now" waits for the next
     * round. */
    uint64_t now = loop_now_ms(loop);
    size_t due = 0;
    size_t limit = loop->timers.count;
    while (due < limit) {
        struct heap_node *node = heap_peek(&loop->timers);
        if (node == NULL || node->key > now)
            break;
        heap_remove(&loop->timers, node);
        struct loop_timer *timer = CONTAINER_OF(node, struct loop_timer, node);
        timer->fire(timer);
        due++;
    }
    return due;
}

/* --- letters and steps --- */

static bool is_waiting(const struct list *node)
{
    return node->next != NULL && node->next != node;
}

bool loop_post(struct loop *loop, struct letter *letter)
{
    return mailbox_post(&loop->mailbox, letter);
}

void loop_defer(struct loop *loop, struct letter *letter)
{
    if (is_waiting(&letter->node))
        return;
    list_append(&loop->deferred, &letter->node);
    loop->ops->work_waits(loop);
}

void loop_undefer(struct letter *letter)
{
    if (is_waiting(&letter->node))
        list_remove(&letter->node);
}

void loop_ration(struct loop *loop, struct loop_step *step)
{
    if (is_waiting(&step->node))
        return;
    list_append(&loop->rationed, &step->node);
    loop->ops->work_waits(loop);
}

void loop_unration(struct loop_step *step)
{
    if (is_waiting(&step->node))
        list_remove(&step->node);
}

bool loop_has_waiting(const struct loop *loop)
{
    return !list_is_empty(&loop->deferred) || !list_is_empty(&loop->rationed);
}

/* Moves all of FROM to the (unlinked) head TO. */
static void take_all(struct list *from, struct list *to)
{
    list_init(to);
    if (list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

size_t loop_run_waiting(struct loop *loop)
{
    size_t ran = 0;
    struct list round;
    take_all(&loop->deferred, &round);
    for (struct list *node = list_pop(&round); node != NULL; node = list_pop(&round)) {
        struct letter *letter = CONTAINER_OF(node, struct letter, node);
        letter->run(letter);
        ran++;
    }
    for (int i = 0; i < LIMIT_TLS_HANDSHAKE_STEPS; i++) {
        struct list *node = list_pop(&loop->rationed);
        if (node == NULL)
            break;
        struct loop_step *step = CONTAINER_OF(node, struct loop_step, node);
        step->run(step);
        ran++;
    }
    return ran;
}
