/* Looks for lines in mail_json and its rotated files, newest first.
 *
 * Reads the files and nothing else, so it works while the gateway runs, or without it. A line that
 * is no JSON object of strings, numbers, booleans and flat lists is passed over, whatever its
 * bytes; so is one longer than SEARCH_LINE_MAX.
 *
 * A search ends when `limit` lines were found, when nothing older is left, or when its budget of
 * bytes or time is used up; each time but the second `next` says where to go on. The cursor is a
 * place in a numbered file (trace/files.h): it stays right while lines are added and files are
 * rotated; when its file was removed the search goes on with the next older one.
 *
 * `mid` finds what tracking shows: the lines that name the message, and those of its connections
 * that name no message: the inbound one (ICID of its Start line) and each that delivered it (DCIDs
 * of its Delivery lines), from their opening to their close. It takes two passes: the first finds
 * the connections, back to the Start line; the second collects the lines. Lines of other messages
 * on these connections are not among them.
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
    SEARCH_LINE_MAX = 1048576,
    SEARCH_TEXT_MAX = 256,           /* of q */
    SEARCH_CURSOR_MAX = 512,         /* its text, NUL included */
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
    struct slice text;        /* part of any text in the line (not its time), ASCII in any case */
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
