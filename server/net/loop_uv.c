/* The real loop: one thread, one uv_loop, one uv_timer for the whole timer heap.
 *
 *   uv_timer -> loop_run_timers        uv_async -> mailbox_drain        uv_check ->
 * loop_run_waiting uv_idle is active while something waits, so that the poll in between does not
 * sleep.
 *
 * Stopping: loop_stop sets a flag and wakes the loop; the loop closes its mailbox, runs the letters
 * that were posted before and leaves uv_run; then every handle is closed. */
#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "net/loop_priv.h"

struct loop_uv {
    struct loop loop;
    uv_loop_t uv;
    uv_timer_t timer;
    uv_async_t async;
    uv_check_t check;
    uv_idle_t idle;
    char *scratch;
    pthread_t thread;
    bool has_thread;
    _Atomic bool is_stopping;
};

static _Thread_local struct loop *current;

static struct loop_uv *uv_of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct loop_uv, loop);
}

uv_loop_t *loop_uv_of(struct loop *loop)
{
    return &uv_of(loop)->uv;
}

char *loop_scratch(struct loop *loop)
{
    return uv_of(loop)->scratch;
}

bool loop_is_current(const struct loop *loop)
{
    return current == loop;
}

static void on_timer(uv_timer_t *handle);

static void arm_timer(struct loop *loop)
{
    struct loop_uv *self = uv_of(loop);
    uint64_t at = loop_next_ms(loop);
    if (at == UINT64_MAX) {
        (void)uv_timer_stop(&self->timer); /* cannot fail */
        return;
    }
    uint64_t now = loop_now_ms(loop);
    uv_update_time(&self->uv);
    (void)uv_timer_start(&self->timer, on_timer, at > now ? at - now : 0, 0); /* cb is not NULL */
}

static void on_timer(uv_timer_t *handle)
{
    struct loop_uv *self = handle->data;
    (void)loop_run_timers(&self->loop);
    arm_timer(&self->loop);
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* its being active is all that is wanted */
}

static void on_check(uv_check_t *handle)
{
    struct loop_uv *self = handle->data;
    (void)loop_run_waiting(&self->loop);
    if (!loop_has_waiting(&self->loop))
        (void)uv_idle_stop(&self->idle); /* cannot fail */
}

static void on_async(uv_async_t *handle)
{
    struct loop_uv *self = handle->data;
    bool is_last = atomic_load(&self->is_stopping);
    if (is_last)
        mailbox_close(&self->loop.mailbox);
    (void)mailbox_drain(&self->loop.mailbox);
    if (is_last)
        uv_stop(&self->uv);
}

static void work_waits(struct loop *loop)
{
    (void)uv_idle_start(&uv_of(loop)->idle, on_idle); /* cb is not NULL */
}

static void wake(void *owner)
{
    struct loop_uv *self = owner;
    (void)uv_async_send(
        &self->async); /* fails only on a closed handle, the mailbox is closed then */
}

static const struct loop_ops uv_ops = {
    .timers_changed = arm_timer,
    .work_waits = work_waits,
};

int loop_create(const struct clock *clock, struct loop **ret_loop, struct error *reterr)
{
    struct loop_uv *self = MEM_NEW(struct loop_uv);
    int r = uv_loop_init(&self->uv);
    if (r < 0) {
        free(self);
        return error_set(reterr, ERR_IO, "cannot make an event loop: %s", uv_strerror(r));
    }
    r = uv_async_init(&self->uv, &self->async, on_async);
    if (r < 0) {
        (void)uv_loop_close(&self->uv); /* nothing is open in it */
        free(self);
        return error_set(reterr, ERR_IO, "cannot make an event loop: %s", uv_strerror(r));
    }
    /* These three only link themselves into the loop. */
    (void)uv_timer_init(&self->uv, &self->timer);
    (void)uv_check_init(&self->uv, &self->check);
    (void)uv_idle_init(&self->uv, &self->idle);
    self->timer.data = self;
    self->async.data = self;
    self->check.data = self;
    self->idle.data = self;
    (void)uv_check_start(&self->check, on_check);
    self->scratch = mem_alloc(LOOP_SCRATCH_BYTES);
    loop_init(&self->loop, &uv_ops, clock, wake, self);
    *ret_loop = &self->loop;
    return 0;
}

static void close_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_all(struct loop_uv *self)
{
    uv_walk(&self->uv, close_walk, NULL);
    (void)uv_run(&self->uv, UV_RUN_DEFAULT); /* runs the closings, then nothing is alive */
}

static void *run_thread(void *arg)
{
    struct loop_uv *self = arg;
    current = &self->loop;
    (void)uv_run(&self->uv, UV_RUN_DEFAULT); /* the async handle keeps it alive until uv_stop */
    close_all(self);
    return NULL;
}

int loop_start_thread(struct loop *loop, const char *name, struct error *reterr)
{
    struct loop_uv *self = uv_of(loop);
    int r = pthread_create(&self->thread, NULL, run_thread, self);
    if (r != 0)
        return error_set_errno(reterr, r, "cannot start thread %s", name);
    self->has_thread = true;
    (void)pthread_setname_np(self->thread, name); /* for ps only */
    return 0;
}

void loop_stop(struct loop *loop)
{
    struct loop_uv *self = uv_of(loop);
    if (!atomic_exchange(&self->is_stopping, true))
        (void)uv_async_send(&self->async); /* the handle is open until the loop saw the flag */
}

void loop_join(struct loop *loop)
{
    struct loop_uv *self = uv_of(loop);
    if (!self->has_thread)
        return;
    (void)pthread_join(self->thread, NULL);
    self->has_thread = false;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    struct loop_uv *self = uv_of(loop);
    ASSERT(!self->has_thread);
    mailbox_close(&loop->mailbox);
    (void)mailbox_drain(&loop->mailbox); /* letters own memory: the last ones run here */
    close_all(self);                     /* again, for a loop that never had a thread */
    int r = uv_loop_close(&self->uv);
    ASSERT(r == 0);
    loop_finish(loop);
    free(self->scratch);
    free(self);
}
