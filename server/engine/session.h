/* One inbound connection: an smtp_server on a conn, decided by policy, emptied into a sink.
 *
 * Owner: the inbound of its loop, in whose list it is until its connection is closed; it frees
 * itself then. Everything on the loop's thread. */
#ifndef POSTERN_ENGINE_SESSION_H
#define POSTERN_ENGINE_SESSION_H

#include "engine/inbound.h"

struct conn;
struct session;

/* What a session needs of its inbound. */
struct session_home {
    struct engine *engine;
    struct loop *loop;
    struct inbound_shared *shared;
    struct snapshot *snapshot; /* the session takes a reference */
    struct list *sessions;
};

/* Takes over CONN, just accepted on LISTENER of the snapshot. */
void session_start(const struct session_home *home, const struct snapshot_listener *listener,
                   struct conn *conn);
/* 421 at the next boundary. */
void session_drain(struct session *session);
/* Closed now. */
void session_abort(struct session *session);
struct session *session_of(struct list *node);

#endif
