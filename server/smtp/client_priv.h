/* What client.c (the session) and client_tx.c (one message) share. One module in two files. */
#ifndef POSTERN_SMTP_CLIENT_PRIV_H
#define POSTERN_SMTP_CLIENT_PRIV_H

#include "base/mem.h"
#include "smtp/client.h"
#include "smtp/data.h"
#include "smtp/reply_parse.h"

enum smtp_client_state {
    SMTP_CLIENT_STATE_GREETING,  /* nothing heard yet */
    SMTP_CLIENT_STATE_EHLO,      /* EHLO is out */
    SMTP_CLIENT_STATE_HELO,      /* EHLO was refused, HELO is out */
    SMTP_CLIENT_STATE_STARTTLS,  /* STARTTLS is out */
    SMTP_CLIENT_STATE_HANDSHAKE, /* 220 came: the engine's turn */
    SMTP_CLIENT_STATE_READY,
    SMTP_CLIENT_STATE_RSET, /* a message: its commands are out, all or one, and this reply is next
                             */
    SMTP_CLIENT_STATE_MAIL,
    SMTP_CLIENT_STATE_RCPT,
    SMTP_CLIENT_STATE_DATA,
    SMTP_CLIENT_STATE_BODY,  /* 354 came */
    SMTP_CLIENT_STATE_END,   /* the dot is in the output */
    SMTP_CLIENT_STATE_EMPTY, /* the same for a message without recipients: see tx_data */
    SMTP_CLIENT_STATE_QUIT,
    SMTP_CLIENT_STATE_DONE,
};

enum { CLIENT_EVENTS_MAX = 6 };

/* One message. Everything it points to lives in `arena`. */
struct client_tx {
    struct mem_arena arena;
    struct slice sender;
    struct slice *recipients;
    size_t recipient_count, index, accepted;
    uint64_t size;
    bool has_8bit;
    bool is_pipelined;
    struct smtp_data_encoder encoder;
    bool has_asked; /* WANT_BODY is out */
    /* It failed; replies of commands that are out already are still to come. */
    bool is_failed;
    enum smtp_client_stage failed_stage;
    enum smtp_client_cause failed_cause;
    struct smtp_reply failed_reply;
};

struct smtp_client {
    char *helo_name;
    enum smtp_client_tls tls;
    bool resets_always, needs_reset;
    bool is_tls;
    bool has_sent_message; /* a transaction was begun on this connection */
    enum smtp_client_state state;
    size_t outstanding; /* commands whose replies have not come */
    size_t block_bytes; /* written since the block's deadline was set */
    uint64_t now_ms, deadline_ms;
    struct smtp_client_capabilities capabilities;
    struct smtp_reply_parser parser;
    struct buf out;
    struct smtp_client_event events[CLIENT_EVENTS_MAX];
    size_t event_count, event_next;
    struct client_tx tx;
};

/* client.c */
struct smtp_client_event *smtp_client_push(struct smtp_client *c, enum smtp_client_event_type type);
/* The line (without CRLF) goes out; a reply is awaited until LIMIT_MS from now. */
void smtp_client_command(struct smtp_client *c, uint64_t limit_ms, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The connection is over; REPLY may be NULL. */
void smtp_client_fail(struct smtp_client *c, enum smtp_client_stage stage,
                      enum smtp_client_cause cause, const struct smtp_reply *reply);
void smtp_client_become_ready(struct smtp_client *c);

/* client_tx.c */
void smtp_client_tx_reply(struct smtp_client *c, const struct smtp_reply *reply);
void smtp_client_tx_finish(struct smtp_client *c);
bool smtp_client_tx_wants_body(const struct smtp_client *c);
void smtp_client_tx_sent(struct smtp_client *c, size_t len);

#endif
