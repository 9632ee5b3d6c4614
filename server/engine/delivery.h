/* Delivery: drives the queue and deals its jobs to connections on all loops.
 *
 * Home is the first loop: the queue, the search for next hops and every decision are there.
 * Connections (outbound.c) live on any loop and speak through engine/link.h. Reports on what could
 * not be delivered are made by bouncer.c and come back here as ordinary messages. */
#ifndef POSTERN_ENGINE_DELIVERY_H
#define POSTERN_ENGINE_DELIVERY_H

#include "engine/engine.h"
#include "queue/queue.h"

struct delivery;
struct link;
struct snapshot;

/* ENGINE is borrowed; SNAPSHOT is the first one. Before the loops run. */
struct delivery *delivery_create(struct engine *engine, struct snapshot *snapshot);
/* After the loops ended. NULL is allowed. */
void delivery_destroy(struct delivery *delivery);

/* Takes over ENV and a reference to BODY (NULL: on disk only). Any thread. */
void delivery_add(struct delivery *delivery, struct envelope *env,
                  const struct spool_location *location, struct body *body);
/* Settings for what begins from now on. Any thread. */
void delivery_publish(struct delivery *delivery, struct snapshot *snapshot);
/* No new jobs; connections end after the message they are at. Any thread. */
void delivery_stop(struct delivery *delivery);
/* After delivery_stop, on LOOP's thread: closes its connections now, their jobs go back to the
 * queue. IS_ONLY_UNREADY: those alone that have offered no message yet. */
void delivery_abort(struct delivery *delivery, struct loop *loop, bool is_only_unready);
/* Connections still open. Any thread. */
size_t delivery_link_count(const struct delivery *delivery);

/* --- for bouncer.c, on the home loop --- */

/* The report on RIDS of MID is durable, or could not be made. */
void delivery_reported(struct delivery *delivery, uint64_t mid, const uint16_t *rids,
                       size_t rid_count, bool is_durable);
struct engine *delivery_engine(struct delivery *delivery);
struct snapshot *delivery_snapshot(struct delivery *delivery);

/* --- for control/queue_ctl.c, on the home loop --- */

struct queue *delivery_queue(struct delivery *delivery);

/* Waits for the record of an administrator's change. */
struct delivery_wait {
    /* RESULT as in spool_request; ERR_CLOSED: nothing is written any more. On the committer's
     * thread, or inside delivery_settle. */
    void (*done)(struct delivery_wait *wait, int result);
};

/* After a call into the queue: does what it has decided. WAIT (NULL: nobody does) is for the first
 * record among that, and its `done` comes exactly once. */
void delivery_settle(struct delivery *delivery, struct delivery_wait *wait);

/* --- for outbound.c --- */

/* The connections of LOOP, by their nodes; for its own thread. */
struct list *delivery_outbounds(struct delivery *delivery, const struct loop *loop);
/* From the connection's loop. */
void delivery_take_report(struct link *link);
void delivery_take_closed(struct link *link);

#endif
