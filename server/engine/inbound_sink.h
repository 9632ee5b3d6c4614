/* Where an accepted message goes: the interface between a session and what keeps the bytes.
 *
 *   open -> write* -> finish -> done (in a later turn)
 *                  \-> abort: nothing is kept
 *
 * Two implementers: sink_spool.c (durable, then the queue) and sink_count.c (a blackhole listener:
 * counts and forgets). All calls and callbacks are on the loop of the session. */
#ifndef POSTERN_ENGINE_INBOUND_SINK_H
#define POSTERN_ENGINE_INBOUND_SINK_H

#include "mail/envelope.h"

struct loop;
struct inbound_message;

/* What became of a message: exactly one call for each finish, never inside it. */
struct inbound_message_handler {
    /* RESULT 0: kept, durable. ERR_FULL, ERR_BUSY: no room now (452). Else: 451. */
    void (*done)(void *user, int result);
    /* inbound_message_write may go on after it returned false. */
    void (*drained)(void *user);
    void *user;
};

struct inbound_sink {
    /* Begins a message; takes over ENV. */
    struct inbound_message *(*open)(struct inbound_sink *sink, struct loop *home,
                                    struct envelope *env,
                                    const struct inbound_message_handler *handler);
};

/* First member of each implementer's message. */
struct inbound_message {
    const struct inbound_message_ops *ops;
};

struct inbound_message_ops {
    bool (*write)(struct inbound_message *message, struct slice bytes);
    void (*finish)(struct inbound_message *message, bool is_8bit);
    void (*abort)(struct inbound_message *message);
};

/* False: taken, but wait for `drained` before the next one. */
static inline bool inbound_message_write(struct inbound_message *message, struct slice bytes)
{
    return message->ops->write(message, bytes);
}
/* The message is complete; IS_8BIT: it has bytes over 127. It is gone after `done`. */
static inline void inbound_message_finish(struct inbound_message *message, bool is_8bit)
{
    message->ops->finish(message, is_8bit);
}
/* Throws it away; no callback follows, also after finish: then it may be kept all the same, as the
 * answer of a client that hung up before it heard the 250. */
static inline void inbound_message_abort(struct inbound_message *message)
{
    message->ops->abort(message);
}

struct sink_count {
    struct inbound_sink sink;
};

void sink_count_init(struct sink_count *count);

struct delivery;
struct spool;
struct work_pool;

struct sink_spool {
    struct inbound_sink sink;
    struct spool *spool;       /* borrowed, like the rest */
    struct work_pool *workers; /* writes large bodies */
    struct delivery *delivery; /* gets what is durable */
};

void sink_spool_init(struct sink_spool *sink, struct spool *spool, struct work_pool *workers,
                     struct delivery *delivery);

#endif
