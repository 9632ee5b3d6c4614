/* The two log files, as the log thread writes them: lines are gathered, then written in one piece.
 *
 * A file that cannot be written keeps its lines up to LIMIT_TRACE_PENDING_BYTES and tries again at
 * each flush; a write that was cut short goes on where it stopped, so that no line is ever torn.
 * Lines beyond that are lost and counted, standard error says so when it begins and when it ends.
 * Owner thread: the log thread (open and close: whoever starts and joins it). */
#ifndef POSTERN_TRACE_SINK_LOG_H
#define POSTERN_TRACE_SINK_LOG_H

#include "base/err.h"
#include "trace/event.h"

/* Gathered lines are written at this size, whatever the time. */
enum { SINK_LOG_WRITE_BYTES = 262144 };

struct sink_log_file {
    char *path;
    int fd;
    struct buf pending; /* rendered, not yet given to the kernel */
    uint64_t lost;      /* lines, since it began to fail */
    bool is_failing;
};

struct sink_log {
    struct sink_log_file text, json;
};

/* Opens both for appending, makes them (0640) when they are missing. ERR_IO, ERR_FULL. */
int sink_log_open(struct sink_log *sink, const char *dir, const char *text_name,
                  const char *json_name, struct error *reterr) MUST_CHECK;
/* Renders both lines; writes when enough has come together. */
void sink_log_add(struct sink_log *sink, const struct trace_record *record);
/* True: everything is with the kernel. False: try again in a while. */
bool sink_log_flush(struct sink_log *sink);
/* Opens both files by name again; a file that does not open stays the old one. */
void sink_log_reopen(struct sink_log *sink);
void sink_log_close(struct sink_log *sink);

#endif
