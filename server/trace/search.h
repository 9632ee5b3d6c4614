/* Looks for lines in mail_json and its rotated files, newest first.
 *
 * Reads the files and nothing else, so it works while the gateway runs, or without it. A line that
 * does not begin as ours do (`{"time":"...Z"`), is no JSON object, or is longer than
 * WALK_LINE_MAX is passed over, whatever its bytes; so every line that is given out is JSON.
 * Lines are taken to be in order of time to within SEARCH_DISORDER_MS: from `from_ms` back nothing
 * is looked at, and what is younger than `to_ms` is jumped over.
 *
 * A search ends when `limit` lines were found, when nothing older is left, or when its budget of
 * bytes or time is used up; each time but the second `next` says where to go on. The cursor is a
 * place in a numbered file (trace/walk.h): it stays right while lines are added and files are
 * rotated; when its file was removed the search goes on with the next older one.
 *
 * `mid` finds what tracking shows: the lines that name the message (also as the original of a
 * report), and those of its connections that name no message: the inbound one (ICID of its Start
 * line) and the SEARCH_DCIDS_MAX newest that it was tried on (DCIDs of its delivery lines), from
 * their opening to their close. It takes two passes: the first finds the connections, back to the
 * Start line; the second collects the lines. The cursor carries what the first has found, so it is
 * done once; a page may be empty because the budget ended in it. Lines about other messages on
 * these connections are not among them.
 *
 * Blocks: a worker, or a command. Pure but for the files. */
#ifndef POSTERN_TRACE_SEARCH_H
#define POSTERN_TRACE_SEARCH_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

enum {
    SEARCH_LIMIT_MAX = 1000,
    SEARCH_RESULT_BYTES = 4194304, /* a page ends when its lines come to this */
    SEARCH_TEXT_MAX = 256,         /* of q */
    SEARCH_DCIDS_MAX = 32,         /* delivery connections of one message */
    SEARCH_CURSOR_MAX = 1024,      /* its text, NUL included */
    SEARCH_DISORDER_MS = 60000,
    SEARCH_BUDGET_BYTES = 268435456, /* default: 256 MiB read */
    SEARCH_BUDGET_MS = 2000,         /* default */
};

enum search_tls { SEARCH_TLS_ANY, SEARCH_TLS_SUCCESS, SEARCH_TLS_FAILED, SEARCH_TLS_NONE };

/* `success`, `failed`, `none`; false: no such word. */
bool search_tls_parse(struct slice word, enum search_tls *ret_tls) MUST_CHECK;
/* RFC 3339 5.6: date, time, optional fraction, `Z` or an offset. False: it is none. */
bool search_time_parse(struct slice text, int64_t *ret_wall_ms) MUST_CHECK;

/* All of what is set must hold. */
struct search_query {
    /* Part of any text in the line but its time, ASCII in any case; cut at SEARCH_TEXT_MAX. */
    struct slice text;
    uint64_t icid, mid, dcid; /* 0: any */
    enum search_tls tls;
    int64_t from_ms, to_ms; /* wall time, both inclusive; 0: open */
    size_t limit;           /* 1..SEARCH_LIMIT_MAX */
    struct slice cursor;    /* empty: from the newest; else `next` of the same query */
    uint64_t budget_bytes;  /* 0: SEARCH_BUDGET_BYTES */
    uint64_t budget_ms;     /* 0: SEARCH_BUDGET_MS */
};

struct search_result {
    struct slice *lines; /* whole JSON objects without their line feed, newest first */
    size_t count;
    char next[SEARCH_CURSOR_MAX]; /* printable ASCII without blanks; empty: nothing older is left */
    bool is_budget_over;          /* the budget ended it: there may be more behind `next` */
    uint64_t read_bytes;
    struct mem_arena arena; /* owns the lines */
};

/* DIR holds the files, NAME is `mail_json`. ERR_INVALID: the cursor is none of ours; ERR_IO: the
 * directory cannot be read. On success the caller finishes the result. */
int search_run(const char *dir, const char *name, const struct clock *clock,
               const struct search_query *query, struct search_result *ret_result,
               struct error *reterr) MUST_CHECK;
void search_result_finish(struct search_result *result);

#endif
