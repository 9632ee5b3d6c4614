/* The server's half of an SMTP session, sans-IO: bytes in, events and bytes out.
 *
 * No socket, clock, log or callback inside; time comes with the calls as monotonic milliseconds.
 * Any split of the input gives the same replies, and the same events but for where BODY is cut.
 *
 *   create ---> output: greeting
 *   feed -----> next -> event ... next -> false           and again with what feed left
 *                |  event with a token: the machine waits; later commands wait in line
 *                v
 *   accept / reply / reply_code (token), at once or much later -> next again
 *   output / sent whenever output is not empty; is_done and output empty: close
 *
 * The engine's loop, after every call that can move the machine (feed, accept, reply, tls_started,
 * sent, timed_out, shutdown): call next until it is false, then write output. Reading:
 *
 *   while (in.len > 0 && smtp_server_wants_input(s)) {
 *       size_t n = smtp_server_feed(s, in, now);        n may be less than in.len
 *       while (smtp_server_next(s, &ev)) ...;           BODY slices point into `in`
 *       advance `in` by n
 *   }
 *
 * Tokens: at most one is open; replies leave in command order. The transaction is reset in one
 * place, by every final reply. Owner: one thread, the connection's.
 * RFC 5321; RFC 1870 (SIZE), 2034 (enhanced codes), 2920 (pipelining), 3207 (STARTTLS),
 * 6152 (8BITMIME). */
#ifndef POSTERN_SMTP_SERVER_H
#define POSTERN_SMTP_SERVER_H

#include <stdint.h>

#include "smtp/path.h"
#include "smtp/reply.h"

#define SMTP_DEADLINE_NONE UINT64_MAX

struct smtp_server;

enum smtp_server_tls {
    SMTP_SERVER_TLS_OFF,       /* not offered; 502 when sent */
    SMTP_SERVER_TLS_PREFERRED, /* offered */
    SMTP_SERVER_TLS_REQUIRED,  /* 530 to all but EHLO, NOOP, QUIT, STARTTLS before it */
};

struct smtp_server_config {
    struct slice hostname; /* in the greeting, EHLO, 221 and 421 */
    int banner_code;       /* 220; 5xx: only QUIT follows; 4xx: greets and closes */
    struct slice
        banner_text; /* behind the host name; empty: `ESMTP` for 220, else a fitting text */
    uint64_t max_message_bytes; /* SIZE; 0: LIMIT_MESSAGE_BYTES */
    unsigned max_recipients;    /* of one message; 0: LIMIT_SMTP_RECIPIENTS_MIN */
    unsigned max_messages;      /* of the session, then 421; 0: no limit */
    enum smtp_server_tls tls;
    bool is_tls;            /* the connection is encrypted already */
    bool offers_pipelining; /* pipelined commands work in any case, RFC 2920 is offered only then */
};

enum smtp_server_event_type {
    SMTP_SERVER_EVENT_HELO,     /* token. name, is_esmtp. An open transaction is void */
    SMTP_SERVER_EVENT_MAIL,     /* token. path, has_size, size, is_8bit */
    SMTP_SERVER_EVENT_RCPT,     /* token. path */
    SMTP_SERVER_EVENT_DATA,     /* token. Accept: 354, BODY and DATA_END follow */
    SMTP_SERVER_EVENT_BODY,     /* body: decoded bytes of the message; no answer */
    SMTP_SERVER_EVENT_DATA_END, /* token unless is_refused. size, has_*, is_oversize, is_refused */
    SMTP_SERVER_EVENT_RSET,     /* the open transaction is void; no answer */
    SMTP_SERVER_EVENT_MISTAKE,  /* mistake, text, why: the machine has refused a command; for the
                                   log, no answer. At most LIMIT_SMTP_ERRORS in a session */
    SMTP_SERVER_EVENT_STARTTLS, /* the 220 is in the output: send it all, then shake hands; no
                                   answer */
    SMTP_SERVER_EVENT_CLOSE,    /* reason; nothing follows. Close when is_done and output is sent */
};

enum smtp_server_mistake {
    SMTP_SERVER_MISTAKE_UNKNOWN,   /* no such command. text: its first word, as what follows may be
                                      a password or a line of a message */
    SMTP_SERVER_MISTAKE_SYNTAX,    /* text: the line, or its first word when that is no verb */
    SMTP_SERVER_MISTAKE_SENDER,    /* text: what stands where the address should. why: set */
    SMTP_SERVER_MISTAKE_RECIPIENT, /* likewise */
    SMTP_SERVER_MISTAKE_SIZE,      /* MAIL announced more than max_message_bytes. text: the line */
};

enum smtp_server_close {
    SMTP_SERVER_CLOSE_QUIT,               /* the client said QUIT */
    SMTP_SERVER_CLOSE_BANNER,             /* the greeting was a 421 */
    SMTP_SERVER_CLOSE_REPLY,              /* the engine answered 421 */
    SMTP_SERVER_CLOSE_ERRORS,             /* LIMIT_SMTP_ERRORS */
    SMTP_SERVER_CLOSE_JUNK,               /* LIMIT_SMTP_JUNK */
    SMTP_SERVER_CLOSE_MESSAGES,           /* max_messages */
    SMTP_SERVER_CLOSE_HTTP,               /* the client speaks HTTP */
    SMTP_SERVER_CLOSE_STARTTLS_INJECTION, /* bytes between STARTTLS and its 220; nothing is said */
    SMTP_SERVER_CLOSE_TIMEOUT,            /* a deadline passed */
    SMTP_SERVER_CLOSE_SHUTDOWN,           /* smtp_server_shutdown */
};

/* Slices live until the next feed, next, accept or reply; path and name until their token is
 * answered. */
struct smtp_server_event {
    enum smtp_server_event_type type;
    uint32_t token; /* 0: no answer */

    struct slice name; /* HELO: domain or literal, syntax checked */
    bool is_esmtp;     /* HELO: it was EHLO */

    struct smtp_path path; /* MAIL, RCPT: source route stripped */
    bool has_size;         /* MAIL: SIZE was given */
    bool is_8bit;          /* MAIL: BODY=8BITMIME */
    uint64_t size;         /* MAIL: the SIZE given. DATA_END: bytes of the message, counted.
                              CLOSE by STARTTLS_INJECTION: bytes that came too early */

    struct slice body; /* BODY */

    enum smtp_server_mistake mistake; /* MISTAKE */
    struct slice text;                /* MISTAKE: any bytes, LIMIT_SMTP_SHOWN at most */
    const char *why;                  /* MISTAKE: in words, static */

    /* DATA_END */
    bool has_bare_cr, has_bare_lf, has_nul, has_8bit;
    bool is_oversize; /* more than max_message_bytes came */
    bool is_refused;  /* one of the above but 8bit: the machine has answered 554 or 552. Drop it */

    enum smtp_server_close reason; /* CLOSE */
};

/* Copies CONFIG and its slices. Never fails; smtp_server_destroy frees. The greeting is in the
 * output at once. */
struct smtp_server *smtp_server_create(const struct smtp_server_config *config,
                                       uint64_t now_ms) MUST_CHECK;
void smtp_server_destroy(struct smtp_server *s);

/* False: a reply is awaited and enough is held, the handshake is due, or the session is over.
 * The engine then stops reading (and gets true again after accept, reply, sent or tls_started). */
bool smtp_server_wants_input(const struct smtp_server *s);
/* Takes bytes; returns how many. It borrows IN until next has returned false. 0 when events of an
 * earlier feed were not fetched, or wants_input is false. */
size_t smtp_server_feed(struct smtp_server *s, struct slice in, uint64_t now_ms) MUST_CHECK;
/* Moves the machine on; false when it needs input, an answer, or output to be sent. */
bool smtp_server_next(struct smtp_server *s, struct smtp_server_event *ret_event) MUST_CHECK;

/* Answers to an event. A token that is not open (the session was closed meanwhile) is ignored.
 * None of them delivers an event: call next afterwards. */

/* The usual yes: HELO the greeting and capabilities, MAIL `sender <x> ok`, RCPT `recipient <x> ok`,
 * DATA `354 go ahead`, DATA_END `ok`. */
void smtp_server_accept(struct smtp_server *s, uint32_t token, uint64_t now_ms);
/* Any reply; 2xx (DATA: 354 too) accepts. 421 closes. HELO and DATA: accepting ignores the text. */
void smtp_server_reply(struct smtp_server *s, uint32_t token, const struct smtp_reply *reply,
                       uint64_t now_ms);
/* The same with a row of codes.def; ARG stands for its `%` (e.g. MESSAGE_OK: the MID). */
void smtp_server_reply_code(struct smtp_server *s, uint32_t token, enum smtp_code id,
                            struct slice arg, uint64_t now_ms);

/* What is to be written; valid until the next call that is not a question. Empty: nothing. */
struct slice smtp_server_output(const struct smtp_server *s);
/* LEN bytes of the output are written. */
void smtp_server_sent(struct smtp_server *s, size_t len);

/* After STARTTLS: the handshake is done; the state is as at connect, EHLO is needed again. */
void smtp_server_tls_started(struct smtp_server *s, uint64_t now_ms);
bool smtp_server_is_tls(const struct smtp_server *s);

/* When timed_out is to be called, monotonic; SMTP_DEADLINE_NONE while the engine holds a token and
 * nothing waits to be written. Ask again after every call. */
uint64_t smtp_server_deadline_ms(const struct smtp_server *s);
/* Puts the 421 where one can still be said, and closes. */
void smtp_server_timed_out(struct smtp_server *s, uint64_t now_ms);
/* 421 at the next boundary: at once when no transaction is open, else after its final reply. */
void smtp_server_shutdown(struct smtp_server *s, uint64_t now_ms);
/* Nothing more will be read: close as soon as the output is sent. */
bool smtp_server_is_done(const struct smtp_server *s);

/* `HTTP`, `STARTTLS_INJECTION`: for logs. */
const char *smtp_server_close_name(enum smtp_server_close reason);

#endif
