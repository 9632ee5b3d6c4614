/* The two log files, as the log thread writes them: lines are gathered, then written in one piece.
 *
 * A file that cannot be written keeps its lines up to LIMIT_TRACE_PENDING_BYTES and tries again at
 * each flush; a write that was cut short goes on where it stopped, or begins the line again if
 * there is another file by then, so that no line is ever torn or lost. Lines beyond that are lost
 * and counted, standard error says so when it begins and when it ends.
 *
 * Rotation, each file for itself: before a line would make it larger than rotate_bytes the file
 * becomes NAME.N and a new one takes its place, at a line's edge; of the rotated ones the newest
 * keep_files stay. N is one more than any number in the directory at start or since, so a name is
 * not used again unless somebody removes every rotated file between two runs. Nothing is ever
 * written over: a name that is taken meanwhile is passed over. A file that is not the one its name
 * stands for (moved away by somebody else, or a symbolic link) is left alone until
 * sink_log_reopen. When rotation fails the lines go on into the old file, and it is tried again a
 * sixteenth of rotate_bytes later.
 *
 * Owner thread: the log thread (open and close: whoever starts and joins it). */
#ifndef POSTERN_TRACE_SINK_LOG_H
#define POSTERN_TRACE_SINK_LOG_H

#include "base/err.h"
#include "trace/event.h"

enum {
    /* Gathered lines are written at this size, whatever the time. */
    SINK_LOG_WRITE_BYTES = 262144,
    SINK_LOG_ROTATE_BYTES = 104857600, /* 100 MiB */
    SINK_LOG_KEEP_FILES = 10,
};

struct sink_log_settings {
    const char *dir; /* made if it is missing */
    const char *text_name, *json_name;
    uint64_t rotate_bytes; /* 0: SINK_LOG_ROTATE_BYTES; UINT64_MAX: never */
    uint32_t keep_files;   /* rotated ones; 0: SINK_LOG_KEEP_FILES */
};

struct sink_log_file {
    char *dir, *name, *path;
    int fd;
    struct buf pending; /* rendered lines, not yet or not wholly given to the kernel */
    size_t torn_bytes;  /* of the first of them, already in the file */
    uint64_t lost;      /* lines, since it began to fail */
    bool is_failing;
    uint64_t size_bytes, rotate_bytes;
    uint64_t limit_bytes; /* rotate_bytes, or where a rotation that failed is tried again */
    uint64_t next_number;
    uint32_t keep_files;
};

struct sink_log {
    struct sink_log_file text, json;
};

/* Opens both for appending, makes them (0640) when they are missing. ERR_IO, ERR_FULL. */
int sink_log_open(struct sink_log *sink, const struct sink_log_settings *settings,
                  struct error *reterr) MUST_CHECK;
/* Other limits; 0 as in the settings. They hold from the next line on: a file that is larger is
 * rotated then, and what is over KEEP_FILES goes with it. */
void sink_log_rotate_at(struct sink_log *sink, uint64_t rotate_bytes, uint32_t keep_files);
/* Renders both lines; writes when enough has come together. */
void sink_log_add(struct sink_log *sink, const struct trace_record *record);
/* True: everything is with the kernel. False: try again in a while. */
bool sink_log_flush(struct sink_log *sink);
/* Opens both files by name again; a file that does not open stays the old one. */
void sink_log_reopen(struct sink_log *sink);
void sink_log_close(struct sink_log *sink);

#endif
