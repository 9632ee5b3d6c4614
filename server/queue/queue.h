/* The queue in memory: what is to be delivered, where to, and when.
 *
 * One owner thread drives it; it does no I/O, has no timer and no lock, and takes time and chance
 * from the clock it is given. Everything a call decides comes out as actions, in the order in which
 * they are to be done; after every call marked (A) drain queue_next_action.
 *
 *   queue_add --> ticket (message, destination) READY --queue_next_job/queue_more_for--> ACTIVE
 *                     ^                                                                   |
 *                     |  next try, or the destination came back          queue_job_done, _failed
 *                  WAITING <-----------------------------------------------retry----------+
 *                                                                  delivered: gone        |
 *                  BOUNCING <----------------------------------------------give up--------+
 *                     |  queue_bounced(true): gone        queue_bounced(false): again later
 *
 * A destination is UP, or DOWN after a connection failed: then nothing goes there until its own
 * back-off has passed, then one message at a time (the probe) until one connection works. Slots: a
 * job from queue_next_job holds one connection slot of its destination, which stays taken (idle
 * included) until queue_slot_close. A destination that is down holds back no other: destinations
 * take turns, one job each. Messages of a destination leave in order of arrival. Memory: about 350
 * bytes a queued message with one recipient, besides strings. */
#ifndef POSTERN_QUEUE_QUEUE_H
#define POSTERN_QUEUE_QUEUE_H

#include "base/clock.h"
#include "mail/envelope.h"
#include "queue/body.h"
#include "queue/bounce.h"
#include "queue/outcome.h"
#include "queue/spool.h"
#include "queue/view.h"

struct queue;
struct queue_dest;

enum { QUEUE_KEY_MAX = 512 };

struct queue_limits {
    uint32_t max_connections; /* at a time; at least 1 */
    uint32_t max_messages;    /* on one connection; 0: no limit */
    /* the bounce profile */
    uint64_t initial_retry_ms, max_retry_ms, max_time_ms;
    uint32_t max_retries;
};

struct queue_hooks {
    void *ctx;
    /* Which destination ADDRESS goes to: writes its key (at most KEY_SIZE bytes, any text: usually
     * the lower-cased domain), returns the length. Recipients with the same key may share an
     * attempt. */
    size_t (*route)(void *ctx, struct slice address, char *key, size_t key_size);
    /* Limits of that destination; asked when it first appears and at queue_limits_changed. */
    void (*limits)(void *ctx, struct slice key, struct queue_limits *ret_limits);
};

/* SPOOL is borrowed, for bodies that are no longer in memory. */
struct queue *queue_create(const struct clock *clock, const struct queue_hooks *hooks,
                           struct spool *spool);
void queue_destroy(struct queue *q);

/* Takes over the envelope and one reference to BODY (NULL: it lies at LOCATION only). For a message
 * whose record is durable, and for each one a replay gives. (A): a replayed one may have expired.
 */
void queue_add(struct queue *q, struct envelope *env, const struct spool_location *location,
               struct body *body);

struct queue_job {
    struct queue_dest *dest;  /* valid while a slot of it is held */
    struct slice destination; /* its key; as long as dest */
    struct slice sender;      /* these three: until queue_job_done or queue_job_failed */
    const uint16_t *rids;     /* recipients of this attempt */
    const struct envelope *env;
    size_t rid_count;
    uint64_t mid;
    struct body *body;     /* a reference, given back by queue_job_done/_failed */
    uint32_t max_messages; /* of the destination's limits, for the connection */
    bool is_probe;
    /* private */
    void *ticket;
    uint32_t dest_epoch;
};

/* The next work that needs a new connection: takes a slot. False: nothing for now. (A): expiry. */
bool queue_next_job(struct queue *q, struct queue_job *ret_job) MUST_CHECK;
/* More work for a connection to DEST that is open and free: no slot is taken. Ask before
 * queue_next_job, so that idle connections are used first. */
bool queue_more_for(struct queue *q, struct queue_dest *dest, struct queue_job *ret_job) MUST_CHECK;
/* Is there work that queue_more_for would give? */
bool queue_has_work_for(const struct queue *q, const struct queue_dest *dest);
/* The connection stands: greeting, EHLO and TLS are through. Ends the DOWN state. */
void queue_connection_works(struct queue *q, struct queue_job *job);
/* The attempt is over: results[i] is for job->rids[i]. The slot stays taken. (A) */
void queue_job_done(struct queue *q, struct queue_job *job, const struct outcome_result *results);
/* The connection failed before the message was offered: one result for all recipients, and the
 * destination goes DOWN if the result is its fault. The slot stays taken. (A) */
void queue_job_failed(struct queue *q, struct queue_job *job, const struct outcome_result *result);
/* The message goes back unharmed, first in line, with no attempt counted (a reused connection
 * turned out dead, or the process ends). The slot stays taken. */
void queue_job_return(struct queue *q, struct queue_job *job);
/* The connection of a slot is closed. */
void queue_slot_close(struct queue *q, struct queue_dest *dest);

/* The report on MID's BOUNCING recipients is durable (or is not wanted), or could not be made: then
 * it is tried again in a minute. RIDS as in the notice. (A) */
void queue_bounced(struct queue *q, uint64_t mid, const uint16_t *rids, size_t rid_count,
                   bool is_durable);

enum queue_action_kind {
    QUEUE_ACTION_DELIVERED, /* rid: done; for the log */
    QUEUE_ACTION_DELAYED,   /* rid: will be tried again in delay_ms; for the log */
    QUEUE_ACTION_BOUNCED,  /* rid: given up; for the log. A notice follows if the sender can be told
                            */
    QUEUE_ACTION_NOTICE,   /* compose and spool the report, then call queue_bounced */
    QUEUE_ACTION_RECORD,   /* submit `kind` with `bytes` to the spool, not waited for */
    QUEUE_ACTION_FINISHED, /* no recipient is left; for the log. Its DONE record came before */
};

struct queue_action {
    struct list node; /* queue's own */
    enum queue_action_kind kind;
    uint64_t mid;
    uint16_t rid;
    int code;                     /* DELAYED, BOUNCED: the peer's, or enum outcome_event */
    const char *enhanced, *text;  /* DELAYED, BOUNCED: our class */
    char *sender, *rcpt;          /* DELAYED, BOUNCED: addresses of the envelope; owned */
    char *remote_text;            /* DELIVERED, DELAYED, BOUNCED: what the peer said, with its
                                     enhanced code on each line; owned */
    uint64_t delay_ms;            /* DELAYED */
    bool is_double_bounce;        /* BOUNCED: there is nobody to tell */
    struct bounce_notice *notice; /* NOTICE: owned; set it to NULL to keep it */
    enum spool_kind record_kind;  /* RECORD */
    struct buf bytes;             /* RECORD: head of the spool request; owned */
};

/* The oldest action, now the caller's; NULL when there is none. */
struct queue_action *queue_next_action(struct queue *q);
void queue_action_destroy(struct queue_action *action);

/* When to call queue_tick next, on the monotonic clock; UINT64_MAX: never. Work that is ready at
 * once is not a deadline: ask queue_next_job until it says no. */
uint64_t queue_next_deadline(const struct queue *q);
/* Moves what is due. (A) */
void queue_tick(struct queue *q);
/* The configuration changed: limits are asked again, and every waiting or ready recipient is routed
 * again. */
void queue_limits_changed(struct queue *q);

/* TLS on the last connection to a destination: SUCCESS, FAILED or NONE. */
void queue_dest_tls(struct queue_dest *dest, enum queue_tls tls);

/* Administration. The pictures are in queue/view.h. */

enum queue_deletion {
    QUEUE_DELETION_NOT_FOUND,
    QUEUE_DELETION_DONE,     /* the message is gone */
    QUEUE_DELETION_LATER,    /* gone but for what is being delivered: that is not tried again */
    QUEUE_DELETION_BOUNCING, /* nothing was left to delete: its report is being made */
};

/* One RECORD action says it to the disk, unless it is NOT_FOUND or BOUNCING. (A) */
enum queue_deletion queue_message_delete(struct queue *q, uint64_t mid) MUST_CHECK;
/* What waits is ready, first in line; destinations that are down are probed. False: there
 * is no such message. */
bool queue_message_retry_now(struct queue *q, uint64_t mid) MUST_CHECK;
/* What waits for DESTINATION is ready; one that is down is probed. False: nothing is queued for it.
 */
bool queue_dest_retry_now(struct queue *q, struct slice destination) MUST_CHECK;

#endif
