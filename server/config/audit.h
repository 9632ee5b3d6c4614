/* The audit: who did what, when, from where, and what came of it. Append-only, in postern.db.
 *
 * Each row holds the SHA-256 of its own columns and of the row before (a chain that begins with
 * zeros); every column is length-prefixed in what is hashed, so no two rows encode alike. The
 * number and hash of the newest row are kept a second time, in audit_head.
 *
 * What it proves. Any change, insertion, removal or reordering of rows, and a cut-off tail, by
 * accident or by somebody who does not redo the chain, is found: audit_check names the first row
 * that does not fit. Once broken it stays broken, whatever is appended.
 * What it cannot prove. Whoever may write postern.db can write a new chain from any row on and a
 * new audit_head, and whoever restores an old copy of the file restores an old chain: neither shows
 * here. It shows against a hash that was kept elsewhere: audit_newest gives it, compare it later
 * with audit_hash_at. That what is said here is true, or that everything was said, no chain can
 * prove.
 *
 * Secrets: there is no column for values. What changed is told as the names of fields; a name with
 * other signs than names have is left out. Texts from outside are cut to their caps, and what is no
 * UTF-8 or a control character becomes `?`.
 *
 * ERR_DB, ERR_FULL or ERR_INVALID (damaged) is what the database refused. All of it blocks; owner
 * thread: main. */
#ifndef POSTERN_CONFIG_AUDIT_H
#define POSTERN_CONFIG_AUDIT_H

#include "base/clock.h"
#include "base/ip.h"
#include "config/sha256.h"
#include "config/store.h"

enum {
    AUDIT_PRINCIPAL_MAX = 128, /* bytes; what is longer is cut */
    AUDIT_ACTION_MAX = 64,
    AUDIT_TARGET_MAX = 512,
    AUDIT_REQUEST_MAX = 64,
    AUDIT_FIELD_MAX = 128,  /* of one field's name */
    AUDIT_FIELDS_MAX = 100, /* names of one row; how many more there were is counted */
    AUDIT_LIST_MAX = 1000,  /* rows of one list */
    AUDIT_SCAN_MAX = 20000, /* rows that one list looks at: main is not held up */
};

enum audit_outcome {
    AUDIT_DONE,    /* it was done */
    AUDIT_REFUSED, /* not allowed, or a wrong password */
    AUDIT_FAILED,  /* allowed, but wrong or impossible */
    AUDIT_OUTCOME_COUNT,
};

/* "done", "refused", "failed" */
const char *audit_outcome_word(enum audit_outcome outcome);
/* AUDIT_OUTCOME_COUNT: there is none of that name. */
enum audit_outcome audit_outcome_find(struct slice word);

/* What is appended; borrows everything for the call. */
struct audit_entry {
    struct slice principal;   /* "kim", "token:abcd2345", "local:0"; empty: nobody yet */
    const struct ip *address; /* NULL or family 0: the local socket */
    const char *action;       /* a literal: "session.create", "config.commit" */
    struct slice target;      /* "listeners/Inbound", "revision/7"; may be empty */
    enum audit_outcome outcome;
    const struct slice *fields; /* names of what was changed: letters, digits, / _ - . ~ */
    size_t field_count;
    struct slice request; /* the id in the reply's header and in the logs; may be empty */
};

/* Durable on return; the row's number in *ret_number (may be NULL). */
int audit_append(struct store *store, const struct clock *clock, const struct audit_entry *entry,
                 uint64_t *ret_number, struct error *reterr) MUST_CHECK;

struct audit_row {
    uint64_t number; /* from 1; without gaps unless the chain was broken */
    int64_t at_ms;
    struct slice principal, address, action, target; /* address: "" if it was the local socket */
    enum audit_outcome outcome; /* AUDIT_OUTCOME_COUNT: somebody wrote another word */
    struct slice detail; /* JSON: {} or {"fields":["a","b"]}, with "more":N if N were left out */
    struct slice request;
    uint8_t hash[SHA256_BYTES];
};

/* An empty or zero member does not filter. */
struct audit_filter {
    struct slice principal, target; /* equal, byte by byte */
    struct slice action;            /* equal, or all that begin with it and a dot: "session" */
    bool has_outcome;
    enum audit_outcome outcome;
    int64_t from_ms, to_ms; /* from_ms <= at_ms < to_ms */
    uint64_t before;        /* the cursor: numbers below it; 0: from the newest */
};

/* At most LIMIT (1..AUDIT_LIST_MAX) rows, newest first, with their texts in ARENA. *ret_next is the
 * `before` of the list that follows; 0: there is nothing more. A list may be shorter than LIMIT,
 * even empty, and still have a next: AUDIT_SCAN_MAX rows were looked at. */
int audit_list(struct store *store, const struct audit_filter *filter, size_t limit,
               struct mem_arena *arena, struct audit_row **ret_rows, size_t *ret_count,
               uint64_t *ret_next, struct error *reterr) MUST_CHECK;

/* The newest row's number and hash; 0 and zeros when there is none. To be kept elsewhere. */
int audit_newest(struct store *store, uint64_t *ret_number, uint8_t ret_hash[SHA256_BYTES],
                 struct error *reterr) MUST_CHECK;
/* ERR_NOT_FOUND: no row has that number. */
int audit_hash_at(struct store *store, uint64_t number, uint8_t ret_hash[SHA256_BYTES],
                  struct error *reterr) MUST_CHECK;

/* A walk over the chain, a piece at a time, so that a long audit does not hold up main: start with
 * AUDIT_CHECK_INIT, call audit_check until is_done. Rows that are appended meanwhile are seen too.
 */
struct audit_check {
    bool is_done;
    uint64_t checked; /* rows that fit so far */
    uint64_t broken;  /* the number of the first row that does not fit, when done; 0: all fit. One
                       * above the last row if rows are missing at the end */
    uint8_t hash[SHA256_BYTES]; /* of the last row that fits */
};

#define AUDIT_CHECK_INIT ((struct audit_check){.is_done = false})

/* Goes on over at most MAX_ROWS rows. */
int audit_check(struct store *store, struct audit_check *check, size_t max_rows,
                struct error *reterr) MUST_CHECK;

#endif
