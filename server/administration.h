/* The administration: HTTPS listeners and the local socket, the API behind them, and the doors it
 * goes through. Part of the composition root.
 *
 * Its listeners are part of the configuration, so it stands around the engine's commit hooks: what
 * it binds is bound before a commit may succeed, what it serves changes when the commit goes live.
 * Main thread; the HTTP server has threads of its own and meets main in main's mailbox. */
#ifndef POSTERN_ADMINISTRATION_H
#define POSTERN_ADMINISTRATION_H

#include "base/mailbox.h"
#include "config/commit.h"

struct activate;
struct administration;
struct engine;

struct administration_settings {
    struct engine *engine; /* all of these are borrowed */
    struct activate *activate;
    struct commit *commit;
    struct mailbox *main;
    const char *state_dir;
    const char *version;
    const char *webroot; /* a folder of pages in the embedded ones' place; NULL: none */
};

/* ERR_IO: the HTTP server cannot be set up, or the folder of pages not be opened. */
int administration_create(const struct administration_settings *settings,
                          struct administration **ret_administration,
                          struct error *reterr) MUST_CHECK;
/* The engine's hooks with ours around them: what commit_init is given. */
void administration_hooks(struct administration *a, struct commit_hooks *ret_hooks);

/* After the first commit: opens the doors, the local socket and the listeners. On a first start it
 * makes the setup code. */
int administration_start(struct administration *a, struct error *reterr) MUST_CHECK;
/* Where it listens and how to log in, one line each, to standard output. */
void administration_announce(const struct administration *a);
/* A second has passed: tells the feed of what has changed. */
void administration_tick(struct administration *a);

/* No new requests, none under way. Main's mailbox must be drained by DRAIN meanwhile: the answers
 * of requests come through it. */
void administration_stop(struct administration *a);
/* After the loops and workers ended. NULL is allowed. */
void administration_destroy(struct administration *a);

/* Prepare failed at one of our sockets (exit code 5). */
bool administration_has_port_trouble(const struct administration *a);

#endif
