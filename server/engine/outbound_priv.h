/* What the files of one delivery connection share: outbound.c (its life), outbound_message.c (the
 * message on its way out), outbound_tell.c (its lines in the log). */
#ifndef POSTERN_ENGINE_OUTBOUND_PRIV_H
#define POSTERN_ENGINE_OUTBOUND_PRIV_H

#include "base/work.h"
#include "engine/delivery.h"
#include "engine/outbound.h"
#include "net/conn.h"
#include "net/loop.h"
#include "smtp/client.h"
#include "trace/trace.h"

struct outbound {
    struct list node; /* delivery_outbounds of this loop, until the end */
    struct link *link;
    struct engine *engine;
    struct loop *loop;
    struct conn *conn; /* NULL between two hops and after the end */
    struct smtp_client *smtp;
    struct loop_timer timer;
    size_t hop;
    uint64_t dcid;
    uint32_t sent_messages;
    bool has_job;       /* the link is with us */
    bool is_tls_told;   /* the log says how TLS stands on this connection */
    enum queue_tls tls; /* as it says it, of the last one that came as far */
    bool is_spent;      /* max_messages went out on it */
    bool is_ready, was_ready, is_shaking, is_closing, wants_next_hop;

    uint64_t body_offset;
    bool is_reading;    /* a worker has `chunk` */
    bool is_read_stale; /* what it reads belongs to a message that is over */
    bool wants_read;    /* the next message waits for the worker to come back from that */
    uint64_t read_offset;
    struct work_job read;
    struct letter read_done;
    struct body *read_body; /* a reference for the worker */
    char *chunk;
    ssize_t chunk_len;
};

#define OUTBOUND_EMIT(o, name, ...)                                                                \
    TRACE_EMIT((o)->engine->trace, clock_wall_ms((o)->engine->clock), name, __VA_ARGS__)

static inline const struct hop *outbound_hop(const struct outbound *o)
{
    return &o->link->hops.items[o->hop];
}

static inline struct slice outbound_domain(const struct outbound *o)
{
    return slice_str(o->link->domain);
}

/* --- outbound.c --- */

void outbound_pump(struct outbound *o);
/* The connection is gone for good; frees it unless a worker still reads for it. */
void outbound_finish(struct outbound *o);
/* RESULT for every recipient that has none of its own; the link goes back to delivery. */
void outbound_report_message(struct outbound *o, const struct outcome_result *result);

/* --- outbound_message.c --- */

/* Offers link->job to the peer. */
void outbound_message_start(struct outbound *o);
/* The peer's machine wants the next piece of the body: now, or when a worker has read it. */
void outbound_message_want(struct outbound *o);

/* --- outbound_tell.c --- */

/* No TLS on this connection, and why. */
void outbound_tell_tls_none(struct outbound *o, const char *reason);
/* STARTTLS was not to be had, and it goes on in clear. */
void outbound_tell_tls_refused(struct outbound *o, const struct smtp_client_event *event);
/* A failure before any message was offered. */
void outbound_tell_failure(struct outbound *o, const struct smtp_client_event *event);
/* What the machine's words are to queue/outcome.c. */
enum outcome_stage outbound_outcome_stage(enum smtp_client_stage stage);
int outbound_outcome_code(const struct smtp_client_event *event);

#endif
