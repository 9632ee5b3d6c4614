/* See inbound.h. A port remembers its listener by name: each new connection looks the name up in
 * the snapshot of the moment, so a commit changes policy without touching the socket. */
#include "engine/inbound.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/session.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/loop.h"

struct port {
    struct list node;
    struct inbound *inbound;
    struct listener *listener;
    char name[64];
    struct ip ip;
    uint16_t number;
};

struct inbound {
    struct engine *engine;
    struct loop *loop;
    struct inbound_shared *shared;
    struct snapshot *snapshot;
    struct list ports;
    struct list sessions;
    bool is_draining;
};

void inbound_shared_init(struct inbound_shared *shared, struct engine *engine,
                         struct delivery *delivery)
{
    sink_count_init(&shared->count_sink);
    sink_spool_init(&shared->spool_sink, engine->spool, engine->workers, delivery);
    engine->clock->random(engine->clock, &shared->salt, sizeof shared->salt);
}

struct inbound *inbound_create(struct engine *engine, struct loop *loop,
                               struct inbound_shared *shared, struct snapshot *snapshot)
{
    struct inbound *i = MEM_NEW(struct inbound);

    i->engine = engine;
    i->loop = loop;
    i->shared = shared;
    i->snapshot = snapshot_ref(snapshot);
    list_init(&i->ports);
    list_init(&i->sessions);
    return i;
}

void inbound_destroy(struct inbound *inbound)
{
    if (inbound == NULL)
        return;
    LIST_FOREACH(node, next, &inbound->ports)
    free(CONTAINER_OF(node, struct port, node)); /* the loop closed its socket */
    snapshot_unref(inbound->snapshot);
    free(inbound);
}

void inbound_publish(struct inbound *inbound, struct snapshot *snapshot)
{
    snapshot_unref(inbound->snapshot);
    inbound->snapshot = snapshot_ref(snapshot);
}

static void accepted(void *ctx, struct conn *conn)
{
    struct port *port = ctx;
    struct inbound *i = port->inbound;
    const struct snapshot_listener *listener =
        snapshot_find_listener(i->snapshot, slice_str(port->name));
    const struct session_home home = {
        .engine = i->engine,
        .loop = i->loop,
        .shared = i->shared,
        .snapshot = i->snapshot,
        .sessions = &i->sessions,
    };

    if (listener == NULL || i->is_draining) {
        /* The listener went with the last commit, its socket is about to. */
        conn_abort(conn);
        return;
    }
    session_start(&home, listener, conn);
}

static void accept_failed(void *ctx, int errnum, const char *text)
{
    const struct port *port = ctx;

    (void)errnum;
    log_warning("listener %s: %s; accepting goes on", port->name, text);
}

static void stopped(void *ctx)
{
    struct port *port = ctx;

    list_remove(&port->node);
    free(port);
}

static const struct listener_handler port_handler = {
    .on_accept = accepted,
    .on_error = accept_failed,
    .on_stopped = stopped,
};

int inbound_listen(struct inbound *inbound, struct slice name, const struct ip *ip, uint16_t port,
                   int fd, struct error *reterr)
{
    struct port *p = MEM_NEW(struct port);

    p->inbound = inbound;
    p->ip = *ip;
    p->number = port;
    (void)snprintf(p->name, sizeof p->name, "%.*s", SLICE_ARGS(name));
    list_append(&inbound->ports, &p->node);
    int r = listener_start(inbound->loop, fd, &port_handler, p, &p->listener, reterr);
    if (r < 0)
        stopped(p);
    return r;
}

static void stop_port(struct port *p)
{
    if (p->listener == NULL)
        return;
    struct listener *listener = p->listener;
    p->listener = NULL;
    listener_stop(listener);
}

void inbound_unlisten(struct inbound *inbound, struct slice name, const struct ip *ip,
                      uint16_t port)
{
    LIST_FOREACH(node, next, &inbound->ports)
    {
        struct port *p = CONTAINER_OF(node, struct port, node);
        if (p->number == port && ip_eq(&p->ip, ip) && slice_eq(slice_str(p->name), name))
            stop_port(p);
    }
}

void inbound_drain(struct inbound *inbound)
{
    inbound->is_draining = true;
    LIST_FOREACH(node, next, &inbound->ports)
    stop_port(CONTAINER_OF(node, struct port, node));
    LIST_FOREACH(node, next, &inbound->sessions)
    session_drain(session_of(node));
}

void inbound_abort_all(struct inbound *inbound)
{
    inbound->is_draining = true;
    LIST_FOREACH(node, next, &inbound->ports)
    stop_port(CONTAINER_OF(node, struct port, node));
    LIST_FOREACH(node, next, &inbound->sessions)
    session_abort(session_of(node));
}
