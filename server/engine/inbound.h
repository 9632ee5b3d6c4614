/* The receiving side of one loop: its listening sockets and the sessions on them.
 *
 * accept -> HAT -> smtp_server (session.c) -> RAT -> inbound_sink -> 250
 * One inbound a loop, all of them share one inbound_shared. Everything is called on the loop's
 * thread unless it says otherwise. */
#ifndef POSTERN_ENGINE_INBOUND_H
#define POSTERN_ENGINE_INBOUND_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/inbound_sink.h"
#include "engine/snapshot.h"

struct inbound;

enum { INBOUND_BACKLOG = 1024 };
enum { INBOUND_LISTENERS_MAX = 64, INBOUND_LISTENER_SLOTS = 1024, INBOUND_IP_SLOTS = 65536 };

/* Counts that hold for all loops together. Connections of one address are counted in two tables of
 * slots by two hashes; the smaller one counts, so a clash of hashes needs to happen twice. */
struct inbound_shared {
    struct sink_count count_sink;
    struct sink_spool spool_sink;
    uint64_t salt;
    _Atomic uint32_t sessions;
    _Atomic uint32_t listener_slots[INBOUND_LISTENER_SLOTS]; /* by hash of the name */
    _Atomic uint32_t ip_slots[2][INBOUND_IP_SLOTS];
};

void inbound_shared_init(struct inbound_shared *shared, struct engine *engine,
                         struct delivery *delivery);

/* Borrows ENGINE and SHARED, takes its own reference of SNAPSHOT. Any thread, before the loop uses
 * it. */
struct inbound *inbound_create(struct engine *engine, struct loop *loop,
                               struct inbound_shared *shared, struct snapshot *snapshot);
/* After the loop ended. NULL is allowed. */
void inbound_destroy(struct inbound *inbound);

/* New sessions use SNAPSHOT from here on. */
void inbound_publish(struct inbound *inbound, struct snapshot *snapshot);
/* Serves the listener called NAME on the socket FD, bound to IP and PORT, which it owns from here
 * on. */
int inbound_listen(struct inbound *inbound, struct slice name, const struct ip *ip, uint16_t port,
                   int fd, struct error *reterr) MUST_CHECK;
/* Takes what the kernel has queued, then closes the socket; sessions go on. NAME as well, because a
 * listener that was renamed has its new socket on the same address by now. */
void inbound_unlisten(struct inbound *inbound, struct slice name, const struct ip *ip,
                      uint16_t port);
/* Ends every session at its next boundary with 421, and every socket. */
void inbound_drain(struct inbound *inbound);
/* Closes what is left, now. */
void inbound_abort_all(struct inbound *inbound);

#endif
