/* What session.c (the connection) and session_mail.c (the transaction) share. */
#ifndef POSTERN_ENGINE_SESSION_PRIV_H
#define POSTERN_ENGINE_SESSION_PRIV_H

#include "base/limits.h"
#include "engine/session.h"
#include "mail/header.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "policy/hat.h"
#include "smtp/server.h"
#include "trace/trace.h"

enum { SESSION_HELD_MAX = 512 };

/* How TLS stands on this connection. */
enum session_tls { SESSION_TLS_NONE, SESSION_TLS_SHAKING, SESSION_TLS_UP, SESSION_TLS_FAILED };

struct session {
    struct list node;
    struct session_home home; /* its snapshot is a reference of ours */
    const struct snapshot_listener *listener;
    const struct cfg_mail_flow_policy *policy;
    struct conn *conn;
    struct smtp_server *smtp; /* NULL: closed at once */
    struct loop_timer timer;
    uint64_t icid;
    int64_t opened_wall_ms;
    struct ip remote_ip;
    bool is_counted, is_closing, is_over; /* is_over: the dialogue ended in order */
    bool has_leftover;                    /* input waits for us, not for the client */
    bool has_eof;                         /* the client sends no more */
    bool is_reply_out;                    /* not all that was written has left: on_drained tells */
    bool is_draining;                     /* 421 as soon as the handshake is over */

    /* lines wait for the reverse name */
    struct resolver_query *query;
    struct trace_record **held;
    size_t held_count;
    char reverse_name[RESOLVER_NAME_MAX];
    bool is_reverse_known, is_reverse_verified;

    enum session_tls tls;
    const char *tls_protocol, *tls_cipher; /* static */
    char helo[LIMIT_SMTP_DOMAIN + 1];
    bool is_esmtp;

    /* the transaction */
    uint64_t mid; /* 0: none, or a blackhole's */
    char sender[LIMIT_SMTP_PATH + 1];
    struct envelope *env;
    struct inbound_message *message;
    struct header_scan scan;
    bool has_scan, is_sink_full;
    uint32_t end_token;       /* DATA_END that waits for the sink */
    uint64_t messages, bytes; /* of the whole connection */
};

/* A line of this connection, now: held back until the reverse name is known. */
#define SESSION_LINE(s, name, ...)                                                                 \
    session_line((s), TRACE_PACK(clock_wall_ms((s)->home.engine->clock), name, __VA_ARGS__))
void session_line(struct session *s, struct trace_record *record);
/* After anything that may move the machine: events, output, deadline. */
void session_pump(struct session *s);

/* The transaction's share of the events. */
void session_mail_event(struct session *s, const struct smtp_server_event *event);
/* Ends it without a message; the log says so. IS_BY_SENDER: the client gave it up in order. CAUSE:
 * by which command, or in words what came between. */
void session_mail_drop(struct session *s, bool is_by_sender, struct slice cause);

static inline uint64_t session_now_ms(const struct session *s)
{
    return loop_now_ms(s->home.loop);
}

static inline bool session_is_blackhole(const struct session *s)
{
    return s->listener->cfg->type == CFG_LISTENER_TYPE_BLACKHOLE;
}

#endif
