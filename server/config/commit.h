/* Commit: the one way a configuration becomes the running one, at first start, at every start and
 * later from the administrators.
 *
 * config_validate -> check -> prepare -> persist (one SQLite transaction) -> publish -> drain
 *                                 |         |
 *                                 +---------+-- fails: abort; nothing has changed, ERRORS says why
 *
 * The hooks belong to engine/activate.c; this file knows neither sockets nor keys. One commit at a
 * time, on the owner thread of the store (main). */
#ifndef POSTERN_CONFIG_COMMIT_H
#define POSTERN_CONFIG_COMMIT_H

#include "base/clock.h"
#include "config/store.h"

/* Any hook may be NULL. OLD is NULL at start. */
struct commit_hooks {
    /* Keys and certificates are there and fit; changes nothing. False: it has added to ERRORS. */
    bool (*check)(void *owner, const struct config *old, const struct config *candidate,
                  struct config_errors *errors);
    /* Binds and loads what is new, serves none of it. False: it has added to ERRORS and has itself
     * taken back what it had done; abort is not called then. */
    bool (*prepare)(void *owner, const struct config *old, const struct config *candidate,
                    const struct config_diff *diff, struct config_errors *errors);
    /* Takes back a successful prepare: it could not be stored. */
    void (*abort)(void *owner, const struct config *old, const struct config *candidate);
    /* Cannot fail: new work uses the candidate from here on. Takes the references it needs. */
    void (*publish)(void *owner, const struct config *old, const struct config *candidate);
    /* Ends what only the old configuration needed. */
    void (*drain)(void *owner, const struct config *old, const struct config *candidate);
    void *owner;
};

struct commit {
    struct store *store;       /* borrowed */
    const struct clock *clock; /* borrowed */
    struct commit_hooks hooks;
    const struct config *running; /* one reference; NULL before the first */
};

void commit_init(struct commit *commit, struct store *store, const struct clock *clock,
                 const struct commit_hooks *hooks);
/* Gives up the reference to the running configuration. */
void commit_finish(struct commit *commit);

/* Commits a candidate as a new revision. The caller keeps its reference. 0: it is running, with
 * candidate->revision set; when nothing differs from the running one no hook is called, no revision
 * is made, and candidate->revision is the running one's. ERR_INVALID: it was refused by validation
 * or a hook; other errors: it could not be stored. In both cases ERRORS has at least one entry and
 * the running configuration is what it was. AUTHOR and COMMENT are cut to what a revision holds.
 * DRAFT (an id; NULL: none) is what the candidate was made of: it ends with the revision, in one
 * transaction, and stays if there is none. */
int config_commit(struct commit *commit, struct config *candidate, const char *author,
                  const char *comment, const char *draft, struct config_errors *errors) MUST_CHECK;

/* Starts the newest stored revision: the same steps without persist. ERR_NOT_FOUND without errors:
 * the store is empty, this is a first start. */
int config_commit_start(struct commit *commit, struct config_errors *errors) MUST_CHECK;

#endif
