/* What administrators see of the queue: pictures of its messages and destinations.
 *
 * A picture is copied into the caller's arena and points to nothing of the queue, so it may leave
 * the queue's thread. Taking one changes nothing. Messages and the tickets of a destination are
 * kept in order of MID, so a page of them costs its own length, however long the queue is; a page
 * of destinations looks at each destination once. Texts are the peers': any bytes.
 * Owner thread: the queue's. */
#ifndef POSTERN_QUEUE_VIEW_H
#define POSTERN_QUEUE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/slice.h"

struct queue;

enum {
    QUEUE_VIEW_LIMIT_MAX = 1000,  /* items of one list */
    QUEUE_VIEW_CURSOR_MAX = 1056, /* bytes of a destination cursor */
    QUEUE_VIEW_WAITING = 1000,    /* retries looked at for a destination's next one */
};

/* The whole queue in numbers. */
struct queue_summary {
    uint64_t messages, rcpts_pending;
    uint64_t active, ready, waiting;      /* (message, destination) pairs */
    uint64_t bouncing;                    /* recipients whose report is being made */
    uint64_t bytes;                       /* of all messages */
    uint64_t delivered, delayed, bounced; /* recipients, since start */
    uint64_t destinations, destinations_down;
    int64_t oldest_wall_ms; /* 0: the queue is empty */
};

/* What a next hop said last, or why there was no answer. */
struct queue_view_reply {
    int code; /* 200..599; 0: none, `text` has the cause, or is empty: nothing was tried yet */
    struct slice enhanced, text;
    int64_t at_wall_ms; /* 0: nothing was tried since the start of the process */
};

enum queue_rcpt_state {
    QUEUE_RCPT_STATE_READY,     /* goes out as soon as its destination has a connection for it */
    QUEUE_RCPT_STATE_ACTIVE,    /* is being delivered */
    QUEUE_RCPT_STATE_WAITING,   /* failed before: tried again at next_try_wall_ms */
    QUEUE_RCPT_STATE_BOUNCING,  /* given up: the report is being made */
    QUEUE_RCPT_STATE_DELIVERED, /* the next hop has it */
    QUEUE_RCPT_STATE_BOUNCED,   /* given up for good */
    QUEUE_RCPT_STATE_DELETED,   /* taken out by an administrator */
};

/* `ready`, `active`, ... as in JSON. */
const char *queue_rcpt_state_word(enum queue_rcpt_state state);

struct queue_view_rcpt {
    uint16_t rid;
    enum queue_rcpt_state state;
    uint32_t tries; /* failed ones */
    struct slice address;
    struct slice destination;     /* empty once it is final */
    int64_t next_try_wall_ms;     /* WAITING, and READY behind a destination that is down; else 0 */
    struct queue_view_reply last; /* why the last try failed */
};

struct queue_view_message {
    uint64_t mid;
    uint64_t icid;      /* 0: made here */
    uint64_t bounce_of; /* the MID it reports on; 0: none */
    struct slice sender;
    struct ip client_ip; /* family 0: made here */
    uint64_t size_bytes;
    int64_t received_wall_ms;
    uint64_t age_ms;
    uint32_t rcpt_count, pending_count;
    uint32_t tries;           /* the most that any pending recipient has had */
    int64_t next_try_wall_ms; /* the earliest of its recipients'; 0: at once */
    bool is_active;           /* some recipient is being delivered */
    struct slice destination; /* of its first pending recipient, or the one that was asked for */
    size_t destination_count; /* destinations with pending recipients */
    struct queue_view_reply last; /* of the first pending recipient there that has one */

    /* One message only; NULL in a list. */
    struct queue_view_rcpt *rcpts;
};

struct queue_view_messages_query {
    struct slice destination; /* its key (the lower-cased domain); empty: all */
    uint64_t after_mid;       /* 0: from the oldest; else `next_after_mid` of the page before */
    size_t limit;             /* 1..QUEUE_VIEW_LIMIT_MAX */
};

/* In order of MID, which is that of arrival. */
struct queue_view_messages {
    struct queue_view_message *items;
    size_t count;
    uint64_t next_after_mid; /* 0: that was all */
};

enum queue_dest_state {
    QUEUE_DEST_STATE_UP,      /* connections work, or none was tried yet */
    QUEUE_DEST_STATE_DOWN,    /* the last connection failed: nothing goes before next_try_wall_ms */
    QUEUE_DEST_STATE_PROBING, /* one message finds out whether it is back */
};

/* `up`, `down`, `probing`, as in JSON. */
const char *queue_dest_state_word(enum queue_dest_state state);

/* TLS on the last connection that came as far as having an answer to this. */
enum queue_tls {
    QUEUE_TLS_UNKNOWN, /* there was no such connection since the start of the process */
    QUEUE_TLS_SUCCESS,
    QUEUE_TLS_FAILED,
    QUEUE_TLS_NONE, /* clear text */
};

/* `unknown`, `success`, `failed`, `none`, as in JSON and in the log. */
const char *queue_tls_word(enum queue_tls tls);

struct queue_view_dest {
    struct slice destination; /* its key: the lower-cased domain */
    enum queue_dest_state state;
    uint64_t messages; /* with recipients for it that are not final */
    uint64_t ready, waiting, active;
    uint64_t connections;                 /* open ones */
    uint64_t delivered, delayed, bounced; /* recipients, since it appeared */
    int64_t oldest_wall_ms;               /* arrival of the oldest of its messages; 0: none */
    uint64_t oldest_age_ms;
    int64_t next_try_wall_ms; /* DOWN: the probe; else the earliest of the first
                                 QUEUE_VIEW_WAITING retries; 0: nothing waits */
    struct queue_view_reply last;
    enum queue_tls tls;
};

enum queue_view_sort {
    QUEUE_VIEW_SORT_NAME,     /* ascending */
    QUEUE_VIEW_SORT_OLDEST,   /* the oldest message first */
    QUEUE_VIEW_SORT_MESSAGES, /* the most messages first */
};

struct queue_view_dests_query {
    struct slice text; /* part of the name, any case; empty: all */
    bool is_only_down; /* DOWN and PROBING */
    enum queue_view_sort sort;
    struct slice cursor; /* empty: from the start; else `next` of the page before, same sort */
    size_t limit;        /* 1..QUEUE_VIEW_LIMIT_MAX */
};

struct queue_view_dests {
    struct queue_view_dest *items;
    size_t count;
    uint64_t total;    /* that match, on all pages */
    struct slice next; /* opaque printable ASCII; empty: that was all */
};

/* LIMIT over the maximum counts as the maximum. */
void queue_view_messages(const struct queue *q, const struct queue_view_messages_query *query,
                         struct mem_arena *arena, struct queue_view_messages *ret_messages);
/* With all its recipients. False: there is no such message. */
bool queue_view_message(const struct queue *q, uint64_t mid, struct mem_arena *arena,
                        struct queue_view_message *ret_message) MUST_CHECK;
/* False: the cursor is none of ours. */
bool queue_view_dests(const struct queue *q, const struct queue_view_dests_query *query,
                      struct mem_arena *arena, struct queue_view_dests *ret_dests) MUST_CHECK;
/* False: nothing is queued for it and no connection to it is open. */
bool queue_view_dest(const struct queue *q, struct slice destination, struct mem_arena *arena,
                     struct queue_view_dest *ret_dest) MUST_CHECK;
void queue_summary_get(const struct queue *q, struct queue_summary *ret_summary);

#endif
