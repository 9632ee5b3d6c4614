/* Where events go: the log thread with mail_logs and mail_json, fed by every thread.
 *
 *   any thread: TRACE_EMIT -> copy into the buffer that fills -> log thread swaps buffers, renders
 *   both forms, writes them in large pieces (within LIMIT_TRACE_FLUSH_MS; idle: no wake-up at all)
 *
 * Never blocks a loop: the buffer is bounded (LIMIT_TRACE_BUFFER_BYTES), what does not fit is
 * dropped and counted, and a line says how many were. The order of one thread's events is kept;
 * lines carry the time they are given. If a log cannot be written its lines are kept up to
 * LIMIT_TRACE_PENDING_BYTES and tried again each second, standard error says so once.
 *
 * The mutex inside guards the filling buffer, the counters and the requests to the log thread; the
 * log thread holds it only to swap. Every function takes a NULL trace and then does nothing. */
#ifndef POSTERN_TRACE_TRACE_H
#define POSTERN_TRACE_TRACE_H

#include "base/err.h"
#include "trace/event.h"
#include "trace/metrics.h"

struct trace;

struct trace_settings {
    const char *dir;      /* made if it is missing; holds mail_logs and mail_json; copied */
    const char *timezone; /* name in /usr/share/zoneinfo, or a POSIX TZ string */
    /* Rotation of each file, see trace/sink_log.h; 0: its usual values. */
    uint64_t rotate_bytes;
    uint32_t keep_files;
    /* For tests; 0 or NULL: the usual. */
    size_t buffer_bytes;
    const char *text_name, *json_name; /* instead of mail_logs, mail_json */
};

/* Opens both files for appending and starts the thread. Before other threads are started (it puts
 * TZ into the environment). Blocks. ERR_IO, ERR_FULL. */
int trace_create(const struct trace_settings *settings, struct trace **ret_trace,
                 struct error *reterr) MUST_CHECK;
/* Without thread or files: every event is rendered at once into TEXT and JSON (either may be NULL),
 * which the caller keeps and clears. For tests; any thread, one at a time. */
struct trace *trace_create_memory(struct buf *text, struct buf *json) MUST_CHECK;
/* Writes everything submitted so far, ends the thread, closes the files. Nobody may submit
 * meanwhile. Blocks. */
void trace_destroy(struct trace *trace);

/* Takes over RECORD (NULL: nothing). For lines held back until a reverse name is known. */
void trace_submit(struct trace *trace, struct trace_record *record);

/* void trace_emit_icid_open(struct trace *trace, int64_t time_ms, const struct trace_icid_open *e):
 * pack and submit without the heap. TRACE_EMIT(trace, now, mid_start, .mid = 1, .icid = 2); */
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    void trace_emit_##name(struct trace *trace, int64_t time_ms, const struct trace_##name *e);
#include "trace/event.def"
#undef TRACE_EVENT

#define TRACE_EMIT(trace, time_ms, name, ...)                                                      \
    trace_emit_##name((trace), (time_ms), &(struct trace_##name){__VA_ARGS__})

/* SIGHUP: opens the files by name again, after rotation. Returns at once. */
void trace_reopen(struct trace *trace);
/* Other timezone, rotate_bytes and keep_files; they hold for every event submitted after the call,
 * which returns at once. The rest of SETTINGS is not looked at. */
void trace_change(struct trace *trace, const struct trace_settings *settings);
/* Returns when all that was submitted before the call has been given to the kernel. Blocks: tests
 * and shutdown only. */
void trace_flush(struct trace *trace);

/* Events submitted since the start, by enum trace_event; ret_counts has TRACE_EVENT_COUNT places.
 * Returns how many of all were dropped. */
uint64_t trace_counts(struct trace *trace, uint64_t *ret_counts);
/* The counters that the events of this process have fed so far. */
void trace_metrics(struct trace *trace, struct metrics_snapshot *ret_metrics);

#endif
