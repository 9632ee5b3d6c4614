/* The inside of the queue, shared by index.c, dest.c, sched.c and queue.c.
 *
 *   index.c  messages and their tickets: add, find, split by destination, order, free
 *   dest.c   destinations: up, down, how many connections
 *   sched.c  what next, and when: ready lists, timers, jobs
 *   queue.c  what came of it: results, bounces, records, actions
 *   view.c   pictures of all that for administrators */
#ifndef POSTERN_QUEUE_QUEUE_PRIV_H
#define POSTERN_QUEUE_QUEUE_PRIV_H

#include "base/heap.h"
#include "base/hmap.h"
#include "queue/queue.h"

enum { TICKET_BOUNCING = 0x8000 }; /* in envelope_rcpt.ticket: its report is under way */

enum ticket_state {
    TICKET_STATE_IDLE,    /* nothing to deliver: all final or bouncing */
    TICKET_STATE_READY,   /* in dest->ready; the timer is its expiry */
    TICKET_STATE_WAITING, /* in dest->waiting; the timer is the next try */
    TICKET_STATE_ACTIVE,  /* handed out as a job */
};

/* A list in order of MID. What comes mostly belongs at its end, or behind what came last. */
struct queue_order {
    struct list head;
    struct list *finger; /* what was added last, or the head */
};

/* One message for one destination. */
struct queue_ticket {
    struct list link;
    struct list of_dest; /* in dest->tickets_by_mid while it has pending recipients */
    struct heap_node timer;
    struct queue_message *message;
    struct queue_dest *dest;
    uint16_t attempts;
    uint16_t pending;   /* recipients neither final nor bouncing */
    uint16_t index;     /* its place in the message */
    uint8_t state;      /* enum ticket_state */
    bool is_dest_fault; /* waits because the destination was down: tried when it is back */
    bool is_deleted;    /* the administrator took the message out while it was active */
};

struct queue_message {
    struct hmap_node node; /* by mid */
    struct list by_mid;    /* in queue.messages_by_mid */
    struct envelope *env;
    struct body *body; /* in memory until the first attempt is over; NULL: at location */
    struct spool_location location;
    uint16_t ticket_count, pending, bouncing;
    struct queue_ticket tickets[];
};

enum dest_state {
    DEST_STATE_UP,      /* connections work, or none was tried yet */
    DEST_STATE_DOWN,    /* the last one failed; timer runs */
    DEST_STATE_DUE,     /* the timer ran out: one probe may go */
    DEST_STATE_PROBING, /* the probe is out */
};

struct queue_dest {
    struct hmap_node node; /* by key */
    char *key;
    struct queue_limits limits;
    struct list ready, waiting; /* tickets, in the order they came */
    struct queue_order tickets_by_mid;
    struct list runnable;   /* in queue.runnable while a new connection would have work */
    struct heap_node retry; /* DOWN: when it becomes DUE */
    enum dest_state state;
    uint32_t epoch; /* grows with each change between up and down: old failures count once */
    uint32_t failures;
    uint32_t window; /* connections it is trusted with, at most limits.max_connections */
    uint32_t window_credit;
    uint32_t slots, active;
    uint32_t tickets; /* that exist, in whatever state */
    uint64_t ready_count, waiting_count;
    uint64_t delivered, bounced, delayed;
    struct envelope_reply *last; /* what it said last, or NULL */
    enum queue_tls tls;          /* on the last connection */
};

struct queue {
    const struct clock *clock;
    struct queue_hooks hooks;
    struct spool *spool;
    struct hmap messages, dests;
    struct queue_order messages_by_mid;
    struct heap timers, retries; /* tickets; destinations; keys in mono ms */
    struct list runnable;        /* destinations, taking turns */
    struct list actions;
    uint64_t rcpts_pending, active, ready, waiting, bouncing, bytes;
    uint64_t delivered, delayed, bounced;
};

/* index.c */
struct queue_message *queue_message_find(const struct queue *q, uint64_t mid);
/* Splits the pending recipients into tickets, none of them scheduled yet. */
struct queue_message *queue_message_create(struct queue *q, struct envelope *env,
                                           const struct spool_location *location,
                                           struct body *body);
void queue_message_destroy(struct queue *q, struct queue_message *message);
struct body *queue_message_body(struct queue *q, struct queue_message *message);
void queue_message_drop_memory(struct queue_message *message);
int64_t queue_ticket_expiry_wall(const struct queue_ticket *ticket);
void queue_order_init(struct queue_order *order);
void queue_order_add_message(struct queue *q, struct queue_message *message);
/* No-op on one that is in the order already. */
void queue_order_add_ticket(struct queue_ticket *ticket);
void queue_order_remove(struct queue_order *order, struct list *node);
/* Takes tickets without pending recipients out of their destinations' order. */
void queue_message_settle(struct queue_message *message);

/* dest.c */
struct queue_dest *queue_dest_get(struct queue *q, struct slice key);
/* Frees it if nothing refers to it any more. */
void queue_dest_release(struct queue *q, struct queue_dest *dest);
/* Puts it in or takes it out of the runnable list. After every change of what decides that. */
void queue_dest_update(struct queue *q, struct queue_dest *dest);
void queue_dest_up(struct queue *q, struct queue_dest *dest);
/* DELAY_MS until the probe. */
void queue_dest_down(struct queue *q, struct queue_dest *dest, uint64_t delay_ms);
void queue_dest_due(struct queue *q, struct queue_dest *dest);
void queue_dest_credit(struct queue *q, struct queue_dest *dest);

/* sched.c */
void queue_ticket_make_ready(struct queue *q, struct queue_ticket *ticket, bool is_first);
void queue_ticket_make_waiting(struct queue *q, struct queue_ticket *ticket, int64_t next_wall_ms);
/* Out of every list and timer. */
void queue_ticket_make_idle(struct queue *q, struct queue_ticket *ticket);

/* queue.c */
void queue_ticket_expire(struct queue *q, struct queue_ticket *ticket);

#endif
