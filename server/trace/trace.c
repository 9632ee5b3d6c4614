/* The log thread and the buffer in front of it: see trace.h.
 *
 * Two blocks of the same size: threads copy records into the one that fills, the log thread swaps
 * them under the mutex and then works on the other alone. A record is copied whole or not at all.
 *
 * When it wakes: a record in an empty buffer starts the clock (one signal), LIMIT_TRACE_FLUSH_MS
 * later, or when the buffer is half full, the thread takes what is there. Without events it sleeps
 * for good. While a file cannot be written it wakes each second to try again.
 *
 *   requests (reopen, zone, flush, stop) are flags under the same mutex; flush waits for
 * `done_count` to reach the number of the records it has seen.
 *
 * Records start at multiples of eight bytes, so that a record can be read where it lies. */
#include "trace/trace.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "trace/event_priv.h"
#include "trace/sink_log.h"
#include "trace/zone.h"

enum {
    STACK_RECORD_BYTES = 2048, /* larger ones are packed on the heap */
    RETRY_MS = 1000,           /* a file that cannot be written */
};

/* What may change while it runs. */
struct upkeep {
    char zone[TRACE_ZONE_MAX];
    uint64_t rotate_bytes;
    uint32_t keep_files;
};

struct trace {
    /* A memory trace has these two and no thread. */
    struct buf *text, *json;
    bool is_memory;

    pthread_t thread;
    struct sink_log sink; /* log thread */
    char *taken;          /* log thread: the block it works on */
    bool is_owing;        /* log thread: the sink could not write everything */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;   /* the log thread's */
    pthread_cond_t done;   /* done_count moved */
    char *filling;
    size_t used_bytes, size_bytes;
    uint64_t counts[TRACE_EVENT_COUNT];
    struct metrics_snapshot metrics;      /* but log_dropped, which is dropped_count */
    uint64_t submitted_count, done_count; /* records that went into a buffer, and through it */
    uint64_t dropped_count, dropped_told; /* in all, and those that a line has told of */
    bool is_stopping, wants_reopen, wants_change, wants_flush;
    struct upkeep upkeep;
};

static size_t rounded(size_t size_bytes)
{
    return (size_bytes + 7) & ~(size_t)7;
}

/* mutex held */
static void put_locked(struct trace *trace, const char *bytes, size_t size_bytes)
{
    if (trace->is_stopping || rounded(size_bytes) > trace->size_bytes - trace->used_bytes) {
        trace->dropped_count++;
        return;
    }
    size_t before = trace->used_bytes;
    memcpy(trace->filling + before, bytes, size_bytes);
    trace->used_bytes += rounded(size_bytes);
    trace->submitted_count++;
    size_t half = trace->size_bytes / 2;
    if (before == 0 || (before < half && trace->used_bytes >= half))
        (void)pthread_cond_signal(&trace->wake); /* cannot fail on a condition that exists */
}

static void lock(struct trace *trace)
{
    int r = pthread_mutex_lock(&trace->mutex);
    ASSERT(r == 0);
}

static void unlock(struct trace *trace)
{
    int r = pthread_mutex_unlock(&trace->mutex);
    ASSERT(r == 0);
}

static void submit_bytes(struct trace *trace, const char *bytes, size_t size_bytes,
                         enum trace_event event)
{
    lock(trace);
    trace->counts[event]++;
    metrics_feed(&trace->metrics, event, bytes);
    if (trace->is_memory) {
        struct trace_record *record = mem_alloc(size_bytes);
        memcpy(record, bytes, size_bytes);
        if (trace->text != NULL)
            trace_render_text(record, trace->text);
        if (trace->json != NULL)
            trace_render_json(record, trace->json);
        trace_record_destroy(record);
    } else {
        put_locked(trace, bytes, size_bytes);
    }
    unlock(trace);
}

void trace_submit(struct trace *trace, struct trace_record *record)
{
    if (trace != NULL && record != NULL)
        submit_bytes(trace, (const char *)record, record->size_bytes,
                     (enum trace_event)record->event);
    trace_record_destroy(record);
}

#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    void trace_emit_##name(struct trace *trace, int64_t time_ms, const struct trace_##name *e)     \
    {                                                                                              \
        char stack[STACK_RECORD_BYTES];                                                            \
        if (trace == NULL)                                                                         \
            return;                                                                                \
        size_t size_bytes = trace_size_##name(e);                                                  \
        char *bytes = size_bytes <= sizeof(stack) ? stack : mem_alloc(size_bytes);                 \
        trace_put_##name(bytes, size_bytes, time_ms, e);                                           \
        submit_bytes(trace, bytes, size_bytes, TRACE_##id);                                        \
        if (bytes != stack)                                                                        \
            free(bytes);                                                                           \
    }
#include "trace/event.def"
#undef TRACE_EVENT

/* The log thread */

/* The system's clock: this is no deadline of the protocol, and a test's clock that stands still
 * must not stop the log. */
static struct timespec after_ms(uint64_t ms)
{
    uint64_t when_ms = clock_mono_ms(clock_system()) + ms;
    return (struct timespec){.tv_sec = (time_t)(when_ms / 1000),
                             .tv_nsec = (long)(when_ms % 1000) * 1000000};
}

/* mutex held */
static bool is_asked(const struct trace *trace)
{
    return trace->is_stopping || trace->wants_reopen || trace->wants_change || trace->wants_flush;
}

/* mutex held: sleeps until there is something to do. */
static void wait_locked(struct trace *trace)
{
    while (trace->used_bytes == 0 && !is_asked(trace)) {
        if (!trace->is_owing) {
            (void)pthread_cond_wait(&trace->wake, &trace->mutex);
            continue;
        }
        struct timespec retry = after_ms(RETRY_MS);
        if (pthread_cond_timedwait(&trace->wake, &trace->mutex, &retry) == ETIMEDOUT)
            return;
    }
    /* Something is there: let more come, but not for long. */
    struct timespec until = after_ms(LIMIT_TRACE_FLUSH_MS);
    while (!is_asked(trace) && trace->used_bytes < trace->size_bytes / 2) {
        if (pthread_cond_timedwait(&trace->wake, &trace->mutex, &until) == ETIMEDOUT)
            return;
    }
}

static void tell_dropped(struct trace *trace, uint64_t count)
{
    struct trace_record *record =
        TRACE_PACK(clock_wall_ms(clock_system()), lines_dropped, .count = count);
    sink_log_add(&trace->sink, record);
    trace_record_destroy(record);
}

static void write_block(struct trace *trace, size_t used_bytes)
{
    size_t at = 0;
    while (at < used_bytes) {
        const struct trace_record *record = (const void *)(trace->taken + at);
        sink_log_add(&trace->sink, record);
        at += rounded(record->size_bytes);
    }
}

/* What is taken out of the shared part in one turn. */
struct turn {
    size_t used_bytes;
    uint64_t submitted_count, dropped;
    bool is_stopping, wants_reopen, wants_change;
    struct upkeep upkeep;
};

/* mutex held */
static void take_locked(struct trace *trace, struct turn *turn)
{
    *turn = (struct turn){
        .used_bytes = trace->used_bytes,
        .submitted_count = trace->submitted_count,
        .dropped = trace->dropped_count - trace->dropped_told,
        .is_stopping = trace->is_stopping,
        .wants_reopen = trace->wants_reopen,
        .wants_change = trace->wants_change,
        .upkeep = trace->upkeep,
    };
    char *block = trace->filling;
    trace->filling = trace->taken;
    trace->taken = block;
    trace->used_bytes = 0;
    trace->dropped_told = trace->dropped_count;
    trace->wants_reopen = trace->wants_change = trace->wants_flush = false;
}

static void keep_up(struct trace *trace, const struct upkeep *upkeep)
{
    trace_zone_set(upkeep->zone);
    sink_log_rotate_at(&trace->sink, upkeep->rotate_bytes, upkeep->keep_files);
}

static void *run(void *arg)
{
    struct trace *trace = arg;
    struct turn turn = {.used_bytes = 0};
    lock(trace);
    while (!turn.is_stopping) {
        wait_locked(trace);
        take_locked(trace, &turn);
        unlock(trace);
        if (turn.wants_change)
            keep_up(trace, &turn.upkeep);
        write_block(trace, turn.used_bytes);
        if (turn.dropped > 0)
            tell_dropped(trace, turn.dropped);
        trace->is_owing = !sink_log_flush(&trace->sink);
        if (turn.wants_reopen) {
            sink_log_reopen(&trace->sink);
            trace->is_owing = !sink_log_flush(&trace->sink); /* the new file may take it */
        }
        lock(trace);
        trace->done_count = turn.submitted_count;
        (void)pthread_cond_broadcast(&trace->done);
    }
    unlock(trace);
    return NULL;
}

/* Life */

static struct trace *trace_new(void)
{
    struct trace *trace = MEM_NEW(struct trace);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr); /* these fail for want of memory only, not in glibc */
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&trace->wake, &attr);
    (void)pthread_cond_init(&trace->done, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&trace->mutex, NULL);
    return trace;
}

static void trace_free(struct trace *trace)
{
    (void)pthread_mutex_destroy(&trace->mutex);
    (void)pthread_cond_destroy(&trace->wake);
    (void)pthread_cond_destroy(&trace->done);
    free(trace->filling);
    free(trace->taken);
    free(trace);
}

struct trace *trace_create_memory(struct buf *text, struct buf *json)
{
    struct trace *trace = trace_new();
    trace->is_memory = true;
    trace->text = text;
    trace->json = json;
    return trace;
}

int trace_create(const struct trace_settings *settings, struct trace **ret_trace,
                 struct error *reterr)
{
    struct trace *trace = trace_new();
    const struct sink_log_settings sink_settings = {
        .dir = settings->dir,
        .text_name = settings->text_name == NULL ? "mail_logs" : settings->text_name,
        .json_name = settings->json_name == NULL ? "mail_json" : settings->json_name,
        .rotate_bytes = settings->rotate_bytes,
        .keep_files = settings->keep_files,
    };
    int r = sink_log_open(&trace->sink, &sink_settings, reterr);
    if (r < 0)
        goto fail_free;
    trace_zone_set(settings->timezone);
    trace->size_bytes =
        settings->buffer_bytes == 0 ? LIMIT_TRACE_BUFFER_BYTES : settings->buffer_bytes;
    trace->filling = mem_alloc(trace->size_bytes);
    trace->taken = mem_alloc(trace->size_bytes);
    r = pthread_create(&trace->thread, NULL, run, trace);
    if (r != 0) {
        r = error_set_errno(reterr, r, "cannot start the log thread");
        goto fail_close;
    }
    (void)pthread_setname_np(trace->thread, "log"); /* for ps and strace only */
    *ret_trace = trace;
    return 0;
fail_close:
    sink_log_close(&trace->sink);
fail_free:
    trace_free(trace);
    return r;
}

void trace_destroy(struct trace *trace)
{
    if (trace == NULL)
        return;
    if (!trace->is_memory) {
        lock(trace);
        trace->is_stopping = true;
        (void)pthread_cond_signal(&trace->wake);
        unlock(trace);
        (void)pthread_join(trace->thread, NULL); /* fails for a thread that is not ours only */
        if (trace->is_owing)
            log_error("some lines of the mail log could not be written and are lost");
        sink_log_close(&trace->sink);
    }
    trace_free(trace);
}

static void ask(struct trace *trace, bool *flag)
{
    lock(trace);
    *flag = true;
    (void)pthread_cond_signal(&trace->wake);
    unlock(trace);
}

void trace_reopen(struct trace *trace)
{
    if (trace != NULL && !trace->is_memory)
        ask(trace, &trace->wants_reopen);
}

void trace_change(struct trace *trace, const struct trace_settings *settings)
{
    if (trace == NULL || trace->is_memory)
        return;
    lock(trace);
    (void)snprintf(trace->upkeep.zone, sizeof(trace->upkeep.zone), "%s", settings->timezone);
    trace->upkeep.rotate_bytes = settings->rotate_bytes;
    trace->upkeep.keep_files = settings->keep_files;
    trace->wants_change = true;
    (void)pthread_cond_signal(&trace->wake);
    unlock(trace);
}

void trace_flush(struct trace *trace)
{
    if (trace == NULL || trace->is_memory)
        return;
    lock(trace);
    uint64_t target = trace->submitted_count;
    trace->wants_flush = true;
    (void)pthread_cond_signal(&trace->wake);
    while (trace->done_count < target)
        (void)pthread_cond_wait(&trace->done, &trace->mutex);
    unlock(trace);
}

uint64_t trace_counts(struct trace *trace, uint64_t *ret_counts)
{
    if (trace == NULL) {
        memset(ret_counts, 0, TRACE_EVENT_COUNT * sizeof(*ret_counts));
        return 0;
    }
    lock(trace);
    memcpy(ret_counts, trace->counts, sizeof(trace->counts));
    uint64_t dropped_count = trace->dropped_count;
    unlock(trace);
    return dropped_count;
}

void trace_metrics(struct trace *trace, struct metrics_snapshot *ret_metrics)
{
    *ret_metrics = (struct metrics_snapshot){0};
    if (trace == NULL)
        return;
    lock(trace);
    *ret_metrics = trace->metrics;
    ret_metrics->log_dropped = trace->dropped_count;
    unlock(trace);
}
