/* postern.db: the revisions of the configuration and the durable counters, in SQLite.
 *
 * WAL, synchronous=FULL: what a function here reported as done survives a power cut. Numbered
 * migrations, each one transaction; a database of a newer Postern is refused. Every function
 * blocks, so never on a loop; one owner thread (main).
 *
 * A revision stores only what changed: revision_items says what an object is from that revision
 * on (no hash: it is gone), objects holds each distinct JSON once, by its SHA-256. */
#ifndef POSTERN_CONFIG_STORE_H
#define POSTERN_CONFIG_STORE_H

#include "config/config.h"

struct store;

/* What goes along with the next transaction that something else makes: the audit's row with what it
 * tells of. Its owner's memory; it must live until it is stored or taken off. */
struct store_rider {
    /* Writes inside that transaction, before its end; an error undoes all of it. */
    int (*write)(struct store_rider *rider, struct error *reterr);
    bool is_stored; /* durable, with the transaction */
};

/* Opens or makes the database at PATH. ERR_DB, ERR_INVALID (not ours, newer, damaged), ERR_FULL. */
int store_open(const char *path, struct store **ret_store, struct error *reterr) MUST_CHECK;
void store_close(struct store *store);

/* Several changes as one transaction: begin, then end with the result so far. End keeps them if R
 * is 0, else undoes them and returns R. Each call that changes something may stand between the two.
 */
int store_begin(struct store *store, struct error *reterr) MUST_CHECK;
int store_end(struct store *store, int r, struct error *reterr) MUST_CHECK;
/* Puts RIDER on the next transaction; NULL: takes it off. It is off once it is stored. */
void store_set_rider(struct store *store, struct store_rider *rider);

struct store_revision {
    uint64_t revision;
    int64_t created_ms; /* wall clock */
    char author[128];
    char comment[512];
    int64_t confirm_by_ms; /* 0: nothing to confirm; else it is reverted then */
    size_t change_count; /* objects it added, changed or took away, orders it changed; read only */
};

/* The newest revision. ERR_NOT_FOUND: none yet, this is a first start. */
int store_newest_revision(struct store *store, struct store_revision *ret_revision,
                          struct error *reterr) MUST_CHECK;

/* Revision N. ERR_NOT_FOUND. */
int store_read_revision(struct store *store, uint64_t revision, struct store_revision *ret_revision,
                        struct error *reterr) MUST_CHECK;
/* At most LIMIT revisions before BEFORE (0: from the newest), newest first; returns how many are in
 * ret_revisions, or an error. */
int store_list_revisions(struct store *store, uint64_t before, size_t limit,
                         struct store_revision *ret_revisions, struct error *reterr) MUST_CHECK;

/* Loads a revision as a candidate (parsed, not validated); errors of the stored objects go to
 * ERRORS. ERR_NOT_FOUND: no such revision. */
int store_load_revision(struct store *store, uint64_t revision, struct config_errors *errors,
                        struct config **ret_config, struct error *reterr) MUST_CHECK;

/* Stores a sealed configuration as the next revision, durable on return, in one transaction that
 * also ends DRAFT (an id; NULL: none), which it was made of. *revision: author, comment, created_ms
 * and confirm_by_ms in, number out. */
int store_save_revision(struct store *store, const struct config *config, const char *draft,
                        struct store_revision *revision, struct error *reterr) MUST_CHECK;

enum store_counter { STORE_COUNTER_MID, STORE_COUNTER_ICID, STORE_COUNTER_DCID };

/* Numbers below *ret_limit may have been given out: a start begins there. 1 if there is none yet.
 */
int store_counter_limit(struct store *store, enum store_counter kind, uint64_t *ret_limit,
                        struct error *reterr) MUST_CHECK;
/* Makes [old limit, new_limit) durable; a limit never goes back. */
int store_reserve_counter(struct store *store, enum store_counter kind, uint64_t new_limit,
                          struct error *reterr) MUST_CHECK;

#endif
