/* The door to the queue for administrators: look, retry, delete.
 *
 * Main calls; the work is done on the queue's own loop while main waits. What comes back is copied
 * into the caller's arena (queue/view.h has the structs) and belongs to it. Every function:
 * ERR_CLOSED when the process is ending.
 *
 * Owner thread: main. */
#ifndef POSTERN_CONTROL_QUEUE_CTL_H
#define POSTERN_CONTROL_QUEUE_CTL_H

#include "base/err.h"
#include "queue/view.h"

struct delivery;
struct engine;
struct queue_ctl;

/* Both are borrowed and outlive it. DELIVERY: activate's, after the first publish. */
struct queue_ctl *queue_ctl_create(struct engine *engine, struct delivery *delivery) MUST_CHECK;
/* NULL is allowed. */
void queue_ctl_destroy(struct queue_ctl *ctl);

int queue_ctl_summary(struct queue_ctl *ctl, struct queue_summary *ret_summary) MUST_CHECK;
/* ERR_INVALID: the cursor is none of ours. */
int queue_ctl_destinations(struct queue_ctl *ctl, const struct queue_view_dests_query *query,
                           struct mem_arena *arena, struct queue_view_dests *ret_dests) MUST_CHECK;
/* ERR_NOT_FOUND: nothing is queued for it. DESTINATION is a domain in any case. */
int queue_ctl_destination(struct queue_ctl *ctl, struct slice destination, struct mem_arena *arena,
                          struct queue_view_dest *ret_dest) MUST_CHECK;
int queue_ctl_messages(struct queue_ctl *ctl, const struct queue_view_messages_query *query,
                       struct mem_arena *arena,
                       struct queue_view_messages *ret_messages) MUST_CHECK;
int queue_ctl_message(struct queue_ctl *ctl, uint64_t mid, struct mem_arena *arena,
                      struct queue_view_message *ret_message) MUST_CHECK;

/* Every waiting recipient of MID is tried now, first in line, also at a destination that is down.
 * ERR_NOT_FOUND. What is being delivered anyway stays as it is. */
int queue_ctl_message_retry(struct queue_ctl *ctl, uint64_t mid) MUST_CHECK;
/* Everything that waits for DESTINATION is tried now, whether it is down or not. ERR_NOT_FOUND. */
int queue_ctl_destination_retry(struct queue_ctl *ctl, struct slice destination) MUST_CHECK;

enum queue_ctl_deleted {
    QUEUE_CTL_DELETED_NOW,   /* gone, and that is on disk */
    QUEUE_CTL_DELETED_LATER, /* all but what is being delivered at this moment is gone, on disk; the
                                rest is never tried again */
};

/* No bounce is sent; the log says that USER did it. Waits until it is on disk. ERR_NOT_FOUND;
 * ERR_BUSY: only the report on its failed recipients is still being made; ERR_IO: it is out of the
 * queue, but the spool has stopped and the next start will bring the message back. */
int queue_ctl_message_delete(struct queue_ctl *ctl, uint64_t mid, struct slice user,
                             enum queue_ctl_deleted *ret_deleted) MUST_CHECK;

#endif
