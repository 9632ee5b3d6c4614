/* The client's half of an SMTP session, sans-IO: the counterpart of smtp/server.h.
 *
 *   create -> greeting -> EHLO (-> STARTTLS -> handshake -> EHLO) -> READY
 *   READY -> send -> RCPT_RESULT ... WANT_BODY ... -> MESSAGE_DONE or FAILED -> READY ...
 *   READY -> quit -> is_done
 *
 * Exactly one of MESSAGE_DONE and FAILED ends each smtp_client_send; FAILED with
 * is_connection_lost, or FAILED before the first READY, ends the connection: nothing follows it,
 * and the engine closes when is_done and the output is sent (a QUIT may be in it). After any other
 * end READY follows.
 *
 * The engine's loop is the server's: feed, next until false, feed the rest, write output.
 * PIPELINING is used where offered: RSET (when needed), MAIL, all RCPT and DATA leave in one write.
 * RSET comes before a message when the last one ended abnormally, or always when asked. 8-bit text
 * goes only to a server that offers 8BITMIME (RFC 6152 3 forbids anything else short of
 * conversion): else FAILED with SMTP_CLIENT_CAUSE_NO_8BIT. A reply that answers no command ends the
 * connection, so that no answer is taken for another's. RFC 5321, 1870, 2920, 3207, 6152. Owner:
 * one thread. */
#ifndef POSTERN_SMTP_CLIENT_H
#define POSTERN_SMTP_CLIENT_H

#include <stdint.h>

#include "smtp/reply.h"

#ifndef SMTP_DEADLINE_NONE
#define SMTP_DEADLINE_NONE UINT64_MAX
#endif

struct smtp_client;

enum smtp_client_tls {
    SMTP_CLIENT_TLS_NONE,      /* never STARTTLS */
    SMTP_CLIENT_TLS_PREFERRED, /* tried; before the 220 anything but a lost connection goes on in
                                  clear, after it nothing does */
    SMTP_CLIENT_TLS_REQUIRED,  /* nothing is sent without it */
};

struct smtp_client_config {
    struct slice helo_name;
    enum smtp_client_tls tls;
    bool resets_always; /* RSET before each message but the first */
};

enum smtp_client_stage {
    SMTP_CLIENT_STAGE_GREETING,
    SMTP_CLIENT_STAGE_EHLO, /* EHLO and HELO */
    SMTP_CLIENT_STAGE_TLS,  /* STARTTLS and the handshake */
    SMTP_CLIENT_STAGE_IDLE, /* READY, between messages */
    SMTP_CLIENT_STAGE_MAIL, /* RSET too */
    SMTP_CLIENT_STAGE_RCPT,
    SMTP_CLIENT_STAGE_DATA, /* DATA, its 354, and while the text goes out */
    SMTP_CLIENT_STAGE_END,  /* waiting for the answer to the final dot */
    SMTP_CLIENT_STAGE_QUIT,
};

enum smtp_client_cause {
    SMTP_CLIENT_CAUSE_REPLY,         /* the server's reply */
    SMTP_CLIENT_CAUSE_LOST,          /* the connection is gone */
    SMTP_CLIENT_CAUSE_TIMEOUT,       /* the stage's deadline passed */
    SMTP_CLIENT_CAUSE_PROTOCOL,      /* bytes that are no SMTP reply, or a reply to nothing */
    SMTP_CLIENT_CAUSE_NO_ESMTP,      /* EHLO refused: STARTTLS cannot be asked for */
    SMTP_CLIENT_CAUSE_NOT_OFFERED,   /* STARTTLS not among the capabilities */
    SMTP_CLIENT_CAUSE_INJECTION,     /* bytes behind the 220 to STARTTLS, before the handshake */
    SMTP_CLIENT_CAUSE_HANDSHAKE,     /* smtp_client_tls_failed */
    SMTP_CLIENT_CAUSE_NO_8BIT,       /* 8-bit text, no 8BITMIME: permanent for this server */
    SMTP_CLIENT_CAUSE_TOO_BIG,       /* over the SIZE it declared: permanent for this server */
    SMTP_CLIENT_CAUSE_BAD_ARGUMENT,  /* an address or name that must not go on the wire */
    SMTP_CLIENT_CAUSE_NO_RECIPIENTS, /* every RCPT was refused: RCPT_RESULT told each answer */
};

struct smtp_client_capabilities {
    bool is_esmtp; /* EHLO was accepted */
    bool has_pipelining, has_8bitmime, has_size, has_starttls, has_enhanced;
    uint64_t max_size; /* 0: none declared */
};

enum smtp_client_event_type {
    SMTP_CLIENT_EVENT_GREETING,     /* reply: 220 */
    SMTP_CLIENT_EVENT_EHLO,         /* capabilities; again after the handshake */
    SMTP_CLIENT_EVENT_TLS_REFUSED,  /* PREFERRED only: cause, reply. It goes on in clear */
    SMTP_CLIENT_EVENT_TLS_START,    /* shake hands now, then tls_started or tls_failed */
    SMTP_CLIENT_EVENT_READY,        /* send or quit */
    SMTP_CLIENT_EVENT_RCPT_RESULT,  /* index, reply */
    SMTP_CLIENT_EVENT_WANT_BODY,    /* one call of smtp_client_body is due, now or later */
    SMTP_CLIENT_EVENT_MESSAGE_DONE, /* reply to the final dot: 2xx, 4xx or 5xx */
    SMTP_CLIENT_EVENT_FAILED,       /* stage, cause, reply (REPLY only), is_connection_lost */
    SMTP_CLIENT_EVENT_CLOSED,       /* QUIT was answered, or the peer went during it */
};

/* Slices live until the next feed, next or send. */
struct smtp_client_event {
    enum smtp_client_event_type type;
    enum smtp_client_stage stage;
    enum smtp_client_cause cause;
    struct smtp_reply reply; /* code 0: none */
    bool is_connection_lost;
    size_t index; /* RCPT_RESULT: of tx->recipients */
    const struct smtp_client_capabilities *capabilities;
};

struct smtp_client_tx {
    struct slice sender; /* without brackets; empty: the null path */
    const struct slice *recipients;
    size_t recipient_count; /* >= 1 */
    uint64_t size;          /* bytes of the message as stored; 0: not known */
    bool has_8bit;          /* the text has bytes over 127 */
};

struct smtp_client *smtp_client_create(const struct smtp_client_config *config,
                                       uint64_t now_ms) MUST_CHECK;
void smtp_client_destroy(struct smtp_client *c);

/* Takes bytes; returns how many: at most up to the end of one reply. 0 while events wait to be
 * fetched, during the handshake, or when the connection is over. */
size_t smtp_client_feed(struct smtp_client *c, struct slice in, uint64_t now_ms) MUST_CHECK;
bool smtp_client_next(struct smtp_client *c, struct smtp_client_event *ret_event) MUST_CHECK;
struct slice smtp_client_output(const struct smtp_client *c);
void smtp_client_sent(struct smtp_client *c, size_t len, uint64_t now_ms);

/* After TLS_START. */
void smtp_client_tls_started(struct smtp_client *c, uint64_t now_ms);
void smtp_client_tls_failed(struct smtp_client *c);

/* Only after READY. Copies what it keeps of TX. May end at once: FAILED, then READY. */
void smtp_client_send(struct smtp_client *c, const struct smtp_client_tx *tx, uint64_t now_ms);
/* The answer to one WANT_BODY: a piece of the text of any size (best up to LIMIT_BODY_CHUNK),
 * copied in its encoded form; the next WANT_BODY comes when the output has drained enough. IS_LAST
 * ends the message; the piece may then be empty. A body that cannot be finished: destroy the client
 * and close the connection, the message is then not delivered. */
void smtp_client_body(struct smtp_client *c, struct slice piece, bool is_last, uint64_t now_ms);
/* Only while READY. */
void smtp_client_quit(struct smtp_client *c, uint64_t now_ms);
/* The connection is closed or broken. */
void smtp_client_lost(struct smtp_client *c);

/* When timed_out is to be called; NONE while READY (the engine's idle limit) or while the engine
 * holds WANT_BODY. */
uint64_t smtp_client_deadline_ms(const struct smtp_client *c);
void smtp_client_timed_out(struct smtp_client *c);
bool smtp_client_is_done(const struct smtp_client *c);
enum smtp_client_stage smtp_client_stage(const struct smtp_client *c);
bool smtp_client_is_tls(const struct smtp_client *c);

/* `MAIL`, `not offered`: for logs. */
const char *smtp_client_stage_name(enum smtp_client_stage stage);
const char *smtp_client_cause_text(enum smtp_client_cause cause);

#endif
