/* What server.c (input, output, time) and server_verbs.c (meaning of the commands) share.
 * The struct belongs to server.h's caller; the two files are one module. */
#ifndef POSTERN_SMTP_SERVER_PRIV_H
#define POSTERN_SMTP_SERVER_PRIV_H

#include "base/buf.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/server.h"

enum smtp_server_state {
    SMTP_SERVER_STATE_COMMAND,   /* between lines, or a token is open */
    SMTP_SERVER_STATE_DATA,      /* after 354 */
    SMTP_SERVER_STATE_HANDSHAKE, /* after the 220 to STARTTLS */
    SMTP_SERVER_STATE_DONE,      /* nothing is read any more */
};

enum {
    SERVER_RUNS_MAX = 6,    /* BODY slices of one feed: one each for a dot-stuffed line */
    SERVER_KEEP_BYTES = 256 /* buffers of an idle session shrink to this */
};

struct smtp_server {
    struct smtp_server_config config; /* its slices point into config_text */
    char *config_text;
    uint64_t now_ms;          /* of the last call that brought it */
    uint64_t wait_since_ms;   /* the command is awaited, or DATA or the handshake runs, since */
    uint64_t output_since_ms; /* the output is not empty since */
    size_t in_scanned;        /* bytes of `in` that have no LF among them */
    struct buf in;            /* bytes that were not looked at yet */
    struct buf out;           /* replies */
    struct slice runs[SERVER_RUNS_MAX];    /* BODY events due */
    uint64_t data_bytes;                   /* of the message, decoded */
    uint32_t token, last_token;            /* the open one (0: none), and the last one given */
    enum smtp_server_event_type token_for; /* what the open one asks */
    enum smtp_server_state state;
    enum smtp_server_close reason;
    struct slice line; /* the command that is being judged: valid until it is, or refused */
    enum smtp_verb verb;
    struct smtp_data_decoder decoder;
    char *argument; /* HELO name or path while its token is open; owned */
    char *shown;    /* text of the last mistake; owned, as the line itself may be gone */
    size_t shown_len;
    const char *shown_why;
    enum smtp_server_mistake mistake;
    unsigned recipients, recipients_over, messages, errors, junk;
    unsigned char run_count, run_next;
    bool is_tls, is_confined; /* confined: a 554 greeted */
    bool has_helo, is_esmtp;
    bool has_mail, has_tried_rcpt;
    bool has_spoken;       /* the first command came */
    bool is_skipping;      /* the rest of a line that is too long */
    bool is_stopping;      /* shutdown was asked for */
    size_t injected_bytes; /* behind STARTTLS, before its 220 */
    bool owes_rset, owes_close, owes_data_end, owes_mistake; /* events due besides the runs */
};

/* server.c */
void smtp_server_put(struct smtp_server *s, const struct smtp_reply *reply);
void smtp_server_put_code(struct smtp_server *s, enum smtp_code id);
/* An event for the log is due: see the event. Call it before the reply, which may end the session
 * and the line with it. */
void smtp_server_note(struct smtp_server *s, enum smtp_server_mistake mistake, struct slice text,
                      const char *why);
/* The same for a line that is wrong as it stands; VERB is what it begins with. */
void smtp_server_note_line(struct smtp_server *s, enum smtp_verb verb, struct slice line);
/* The reply, and the session ends. */
void smtp_server_put_close(struct smtp_server *s, enum smtp_code id, enum smtp_server_close reason);
void smtp_server_end(struct smtp_server *s, enum smtp_server_close reason);
/* Bytes came between STARTTLS and its 220: the session ends without a word. */
void smtp_server_end_injected(struct smtp_server *s);
/* The one place where a transaction ends. */
void smtp_server_reset_transaction(struct smtp_server *s);
/* Opens a token for EVENT and copies what its slices need (TEXT, kept until the answer). */
struct slice smtp_server_ask(struct smtp_server *s, struct smtp_server_event *event,
                             enum smtp_server_event_type type, struct slice text);

/* server_verbs.c */
/* Judges one line (without its end); true: *ret_event was filled. */
bool smtp_server_command(struct smtp_server *s, struct slice line,
                         struct smtp_server_event *ret_event);
/* What a yes means for the session, and its reply; NULL: the table's. */
void smtp_server_apply(struct smtp_server *s, const struct smtp_reply *reply);

#endif
