/* The server's half of a session: input, output, tokens and time. server.h tells how it is used,
 * server_verbs.c what the commands mean.
 *
 *            line            354                 CRLF.CRLF, reply
 *   COMMAND ------> COMMAND -----> DATA ----------------------> COMMAND
 *      |  220 to STARTTLS           tls_started
 *      `-------------> HANDSHAKE ---------------> COMMAND (as at connect)
 *   any state -- QUIT, 421, a limit, a deadline --> DONE
 *
 * Input: command lines are collected in `in` (LIMIT_SMTP_PIPELINED at most, and while a token is
 * open they wait there). In DATA nothing is copied: feed decodes the engine's own bytes into at
 * most SERVER_RUNS_MAX slices and takes no more than those hold. Only what was pipelined behind
 * DATA itself is decoded out of `in`.
 *
 * Invariants: at most one token; with a token open no line is looked at. Events owed (runs, then
 * DATA_END, RSET, CLOSE) are fetched before more input is taken. DONE is final. A doomed message
 * (bare CR or LF, NUL, too big) gives no BODY from then on. */
#include "smtp/server.h"

#include "base/limits.h"
#include "base/mem.h"
#include "smtp/server_priv.h"

enum {
    /* Commands wait while this much output does: a client that only writes is not served. */
    OUTPUT_FULL_BYTES = 16384,
};

/* --- life --- */

static void put_greeting(struct smtp_server *s, struct slice text)
{
    int code = s->config.banner_code;
    if (text.len == 0)
        text = code == 220  ? SLICE("ESMTP")
               : code < 500 ? SLICE("Service not available, try again later")
                            : SLICE("Access denied");
    /* RFC 5321 4.2: `220 domain text`, and no enhanced code (RFC 2034 4) */
    char *line = mem_printf("%.*s %.*s", SLICE_ARGS(s->config.hostname), SLICE_ARGS(text));
    smtp_server_put(s, &(struct smtp_reply){.code = code, .text = slice_str(line)});
    free(line);
    /* RFC 5321 3.1: after 554 the client may still say QUIT; any other 5xx means the same */
    s->is_confined = code >= 500;
    if (code >= 400 && code < 500)
        smtp_server_end(s, SMTP_SERVER_CLOSE_BANNER);
}

struct smtp_server *smtp_server_create(const struct smtp_server_config *config, uint64_t now_ms)
{
    ASSERT(config->banner_code == 220 || (config->banner_code >= 400 && config->banner_code < 600));
    struct smtp_server *s = MEM_NEW(struct smtp_server);
    s->config = *config;
    s->config_text = slice_dup(config->hostname);
    s->config.hostname = slice_str(s->config_text);
    s->config.banner_text = slice_of(NULL, 0);
    if (s->config.max_message_bytes == 0 || s->config.max_message_bytes > LIMIT_MESSAGE_BYTES)
        s->config.max_message_bytes = LIMIT_MESSAGE_BYTES;
    if (s->config.max_recipients == 0)
        s->config.max_recipients = LIMIT_SMTP_RECIPIENTS_MIN;
    s->now_ms = s->wait_since_ms = now_ms;
    s->is_tls = config->is_tls;
    buf_init(&s->in, LIMIT_SMTP_PIPELINED);
    buf_init(&s->out, 0);
    put_greeting(s, config->banner_text);
    return s;
}

void smtp_server_destroy(struct smtp_server *s)
{
    if (s == NULL)
        return;
    buf_finish(&s->in);
    buf_finish(&s->out);
    free(s->argument);
    free(s->shown);
    free(s->config_text);
    free(s);
}

/* --- output --- */

void smtp_server_put(struct smtp_server *s, const struct smtp_reply *reply)
{
    if (buf_len(&s->out) == 0)
        s->output_since_ms = s->now_ms;
    bool is_put = smtp_reply_write(reply, &s->out);
    ASSERT(is_put);
    s->wait_since_ms = s->now_ms;
}

static void put_row(struct smtp_server *s, enum smtp_code id)
{
    struct buf scratch;
    buf_init(&scratch, 0);
    struct smtp_reply reply = smtp_code_format(id, s->config.hostname, &scratch);
    smtp_server_put(s, &reply);
    buf_finish(&scratch);
}

void smtp_server_put_close(struct smtp_server *s, enum smtp_code id, enum smtp_server_close reason)
{
    put_row(s, id);
    smtp_server_end(s, reason);
}

/* An error reply to a command went out. */
static void count_error(struct smtp_server *s)
{
    if (++s->errors >= LIMIT_SMTP_ERRORS)
        smtp_server_put_close(s, SMTP_CODE_TOO_MANY_ERRORS, SMTP_SERVER_CLOSE_ERRORS);
}

void smtp_server_put_code(struct smtp_server *s, enum smtp_code id)
{
    put_row(s, id);
    if (smtp_code_reply(id).code >= 400)
        count_error(s);
}

void smtp_server_note(struct smtp_server *s, enum smtp_server_mistake mistake, struct slice text,
                      const char *why)
{
    s->mistake = mistake;
    s->shown_why = why;
    s->shown_len = text.len < LIMIT_SMTP_SHOWN ? text.len : LIMIT_SMTP_SHOWN;
    free(s->shown);
    s->shown = slice_dup(slice_of(text.p, s->shown_len));
    s->owes_mistake = true;
}

void smtp_server_note_line(struct smtp_server *s, enum smtp_verb verb, struct slice line)
{
    /* None of our verbs has a secret behind it. */
    bool is_verb = verb < SMTP_VERB_UNKNOWN;
    smtp_server_note(s, SMTP_SERVER_MISTAKE_SYNTAX, is_verb ? line : slice_cut(&line, ' '), NULL);
}

struct slice smtp_server_output(const struct smtp_server *s)
{
    return buf_slice(&s->out);
}

void smtp_server_sent(struct smtp_server *s, size_t len)
{
    buf_consume(&s->out, len);
    if (buf_len(&s->out) == 0)
        buf_clear(&s->out, SERVER_KEEP_BYTES);
}

/* --- ends --- */

static void close_token(struct smtp_server *s)
{
    s->token = 0;
    free(s->argument);
    s->argument = NULL;
}

void smtp_server_end(struct smtp_server *s, enum smtp_server_close reason)
{
    if (s->state == SMTP_SERVER_STATE_DONE)
        return;
    s->state = SMTP_SERVER_STATE_DONE;
    s->reason = reason;
    s->owes_close = true;
    s->owes_data_end = false;
    s->run_count = s->run_next = 0;
    close_token(s);
    buf_clear(&s->in, 0);
}

void smtp_server_end_injected(struct smtp_server *s)
{
    /* RFC 3207 4.2: whoever wrote this had not seen our 220. That may be out in part, so no reply
     * can follow it; and what the client gets must not depend on how its bytes were cut. */
    buf_clear(&s->out, 0);
    s->injected_bytes += buf_len(&s->in);
    smtp_server_end(s, SMTP_SERVER_CLOSE_STARTTLS_INJECTION);
}

void smtp_server_reset_transaction(struct smtp_server *s)
{
    s->has_mail = false;
    s->has_tried_rcpt = false;
    s->recipients = 0;
    s->recipients_over = 0;
}

bool smtp_server_is_done(const struct smtp_server *s)
{
    return s->state == SMTP_SERVER_STATE_DONE;
}

void smtp_server_shutdown(struct smtp_server *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    s->is_stopping = true;
}

/* --- tokens --- */

struct slice smtp_server_ask(struct smtp_server *s, struct smtp_server_event *event,
                             enum smtp_server_event_type type, struct slice text)
{
    close_token(s);
    s->last_token += s->last_token == UINT32_MAX ? 2 : 1;
    s->token = s->last_token;
    s->token_for = type;
    s->argument = slice_dup(text);
    event->type = type;
    event->token = s->token;
    return slice_of(s->argument, text.len);
}

void smtp_server_reply(struct smtp_server *s, uint32_t token, const struct smtp_reply *reply,
                       uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (token == 0 || token != s->token)
        return;
    enum smtp_server_event_type what = s->token_for;
    if (reply != NULL && reply->code == 421) {
        /* RFC 5321 3.8 */
        smtp_server_put(s, reply);
        smtp_server_end(s, SMTP_SERVER_CLOSE_REPLY);
        return;
    }
    if (reply == NULL || reply->code < 400) {
        smtp_server_apply(s, reply);
    } else {
        smtp_server_put(s, reply);
        if (what == SMTP_SERVER_EVENT_DATA)
            smtp_server_reset_transaction(s);
        /* The verdict over a message is no mistake in a command. */
        if (what != SMTP_SERVER_EVENT_DATA_END)
            count_error(s);
    }
    if (what == SMTP_SERVER_EVENT_DATA_END)
        smtp_server_reset_transaction(s);
    close_token(s);
}

void smtp_server_accept(struct smtp_server *s, uint32_t token, uint64_t now_ms)
{
    smtp_server_reply(s, token, NULL, now_ms);
}

void smtp_server_reply_code(struct smtp_server *s, uint32_t token, enum smtp_code id,
                            struct slice arg, uint64_t now_ms)
{
    struct buf scratch;
    buf_init(&scratch, 0);
    struct smtp_reply reply = smtp_code_format(id, arg, &scratch);
    smtp_server_reply(s, token, &reply, now_ms);
    buf_finish(&scratch);
}

/* --- the text of a message --- */

static bool is_oversize(const struct smtp_server *s)
{
    return s->data_bytes > s->config.max_message_bytes;
}

static bool is_doomed(const struct smtp_server *s)
{
    const struct smtp_data_decoder *d = &s->decoder;
    return d->has_bare_cr || d->has_bare_lf || d->has_nul || is_oversize(s);
}

/* Decodes from the start of *IN until the runs are full, the input is empty or the end was seen. */
static void decode(struct smtp_server *s, struct slice *in)
{
    s->run_count = s->run_next = 0;
    while (in->len > 0 && s->run_count < SERVER_RUNS_MAX && !s->owes_data_end) {
        struct slice run;
        s->owes_data_end = smtp_data_decode(&s->decoder, in, &run);
        s->data_bytes += run.len;
        if (run.len > 0 && !is_doomed(s))
            s->runs[s->run_count++] = run;
    }
}

/* CRLF.CRLF came. */
static void end_data(struct smtp_server *s, struct smtp_server_event *event)
{
    const struct smtp_data_decoder *d = &s->decoder;
    s->owes_data_end = false;
    s->state = SMTP_SERVER_STATE_COMMAND;
    event->type = SMTP_SERVER_EVENT_DATA_END;
    event->size = s->data_bytes;
    event->has_bare_cr = d->has_bare_cr;
    event->has_bare_lf = d->has_bare_lf;
    event->has_nul = d->has_nul;
    event->has_8bit = d->has_8bit;
    event->is_oversize = is_oversize(s);
    event->is_refused = is_doomed(s);
    if (!event->is_refused) {
        (void)smtp_server_ask(s, event, SMTP_SERVER_EVENT_DATA_END, SLICE(""));
        return;
    }
    put_row(s, d->has_bare_cr || d->has_bare_lf ? SMTP_CODE_BARE_CR_OR_LF
               : d->has_nul                     ? SMTP_CODE_NUL_IN_MESSAGE
                                                : SMTP_CODE_TOO_BIG);
    smtp_server_reset_transaction(s);
}

/* --- input --- */

bool smtp_server_wants_input(const struct smtp_server *s)
{
    switch (s->state) {
    case SMTP_SERVER_STATE_COMMAND:
        return buf_len(&s->in) < LIMIT_SMTP_PIPELINED;
    case SMTP_SERVER_STATE_DATA:
        return true;
    case SMTP_SERVER_STATE_HANDSHAKE:
        /* Until the 220 is out, reading on is how an injection shows. */
        return buf_len(&s->out) > 0;
    case SMTP_SERVER_STATE_DONE:
        break;
    }
    return false;
}

size_t smtp_server_feed(struct smtp_server *s, struct slice in, uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (in.len == 0 || s->run_next < s->run_count || s->owes_data_end)
        return 0;
    switch (s->state) {
    case SMTP_SERVER_STATE_COMMAND: {
        size_t room = LIMIT_SMTP_PIPELINED - buf_len(&s->in);
        size_t len = in.len < room ? in.len : room;
        bool is_put = buf_append(&s->in, in.p, len);
        ASSERT(is_put);
        return len;
    }
    case SMTP_SERVER_STATE_DATA: {
        if (buf_len(&s->in) > 0)
            return 0;
        struct slice rest = in;
        decode(s, &rest);
        return in.len - rest.len;
    }
    case SMTP_SERVER_STATE_HANDSHAKE:
        if (buf_len(&s->out) > 0) {
            s->injected_bytes = in.len;
            smtp_server_end_injected(s);
        }
        return 0;
    case SMTP_SERVER_STATE_DONE:
        break;
    }
    return 0;
}

static void refuse_long_line(struct smtp_server *s, struct slice line)
{
    struct smtp_command command;
    struct slice start = slice_of(line.p, LIMIT_SMTP_SHOWN);
    bool is_clean = smtp_command_parse(start, &command);
    (void)is_clean; /* it is too long anyway */
    smtp_server_note_line(s, command.verb, start);
    s->has_spoken = true;
    smtp_server_put_code(s, SMTP_CODE_LINE_TOO_LONG);
}

/* Takes one line (without LF, the CR still there) off `in`; false when none is complete, or it was
 * too long. The slice is valid until `in` is appended to. */
static bool take_line(struct smtp_server *s, struct slice *ret_line)
{
    for (;;) {
        struct slice in = buf_slice(&s->in);
        if (in.len == 0)
            return false;
        struct slice unseen = slice_of(in.p + s->in_scanned, in.len - s->in_scanned);
        size_t end = s->in_scanned + slice_find(unseen, '\n');
        bool has_end = end < in.len;
        size_t len = has_end ? end + 1 : end;
        bool is_long = has_end ? len > LIMIT_SMTP_COMMAND_LINE : len >= LIMIT_SMTP_COMMAND_LINE;
        if (!has_end && !is_long && !s->is_skipping) {
            s->in_scanned = in.len;
            return false;
        }
        s->in_scanned = 0;
        buf_consume(&s->in, len);
        if (s->is_skipping) {
            s->is_skipping = !has_end;
        } else if (is_long) {
            /* Once, as soon as it is known; the rest of the line is thrown away as it comes. */
            s->is_skipping = !has_end;
            refuse_long_line(s, in);
            return false;
        } else {
            *ret_line = slice_of(in.p, end);
            return true;
        }
    }
}

/* One step in COMMAND or DATA; false when there is nothing to do. *ret_has_event: an event is out.
 */
static bool step(struct smtp_server *s, struct smtp_server_event *event, bool *ret_has_event)
{
    *ret_has_event = false;
    if (s->state == SMTP_SERVER_STATE_DATA) {
        struct slice in = buf_slice(&s->in);
        if (in.len == 0)
            return false;
        size_t held = in.len;
        decode(s, &in);
        /* The runs stay valid: the bytes move only when more are fed, and feed waits for them. */
        buf_consume(&s->in, held - in.len);
        return true;
    }
    if (s->state != SMTP_SERVER_STATE_COMMAND || s->token != 0)
        return false;
    if (s->is_stopping && !s->has_mail) {
        smtp_server_put_close(s, SMTP_CODE_SHUTDOWN, SMTP_SERVER_CLOSE_SHUTDOWN);
        return true;
    }
    struct slice line;
    if (buf_len(&s->out) >= OUTPUT_FULL_BYTES)
        return false;
    if (!take_line(s, &line))
        return s->owes_mistake || s->state == SMTP_SERVER_STATE_DONE;
    *ret_has_event = smtp_server_command(s, line, event);
    return true;
}

bool smtp_server_next(struct smtp_server *s, struct smtp_server_event *ret_event)
{
    for (;;) {
        struct smtp_server_event event = {0};
        bool has_event = true;
        if (s->run_next < s->run_count) {
            event.type = SMTP_SERVER_EVENT_BODY;
            event.body = s->runs[s->run_next++];
        } else if (s->owes_data_end) {
            end_data(s, &event);
        } else if (s->owes_mistake) {
            s->owes_mistake = false;
            event.type = SMTP_SERVER_EVENT_MISTAKE;
            event.mistake = s->mistake;
            event.text = slice_of(s->shown, s->shown_len);
            event.why = s->shown_why;
        } else if (s->owes_rset) {
            s->owes_rset = false;
            event.type = SMTP_SERVER_EVENT_RSET;
        } else if (s->owes_close) {
            s->owes_close = false;
            event.type = SMTP_SERVER_EVENT_CLOSE;
            event.reason = s->reason;
            event.size = s->injected_bytes;
        } else if (!step(s, &event, &has_event)) {
            if (buf_len(&s->in) == 0)
                buf_clear(&s->in, SERVER_KEEP_BYTES);
            return false;
        }
        if (has_event) {
            *ret_event = event;
            return true;
        }
    }
}

/* --- TLS --- */

void smtp_server_tls_started(struct smtp_server *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (s->state != SMTP_SERVER_STATE_HANDSHAKE)
        return;
    ASSERT(buf_len(&s->out) == 0);
    /* RFC 3207 4.2: everything learned before is forgotten. `in` is empty: see check_STARTTLS. */
    s->state = SMTP_SERVER_STATE_COMMAND;
    s->is_tls = true;
    s->has_helo = false;
    s->is_esmtp = false;
    s->wait_since_ms = now_ms;
    smtp_server_reset_transaction(s);
}

bool smtp_server_is_tls(const struct smtp_server *s)
{
    return s->is_tls;
}

/* --- time --- */

/* When what the session waits for must have come. */
static uint64_t wait_deadline(const struct smtp_server *s)
{
    uint64_t counted, extra;
    switch (s->state) {
    case SMTP_SERVER_STATE_COMMAND:
        /* RFC 5321 4.5.3.2.7. From the last reply to the whole next command. */
        return s->token != 0 ? SMTP_DEADLINE_NONE : s->wait_since_ms + LIMIT_SMTP_COMMAND_MS;
    case SMTP_SERVER_STATE_DATA:
        /* What lies beyond the size limit buys no time. */
        counted = is_oversize(s) ? s->config.max_message_bytes : s->data_bytes;
        extra = counted > 1048576 ? counted - 1048576 : 0;
        return s->wait_since_ms + LIMIT_SMTP_MESSAGE_MS +
               extra * 1000 / LIMIT_SMTP_MESSAGE_MIN_RATE;
    case SMTP_SERVER_STATE_HANDSHAKE:
        return s->wait_since_ms + LIMIT_SMTP_HANDSHAKE_MS;
    case SMTP_SERVER_STATE_DONE:
        break;
    }
    return SMTP_DEADLINE_NONE;
}

static uint64_t write_deadline(const struct smtp_server *s)
{
    return buf_len(&s->out) == 0 ? SMTP_DEADLINE_NONE
                                 : s->output_since_ms + LIMIT_SMTP_REPLY_WRITE_MS;
}

uint64_t smtp_server_deadline_ms(const struct smtp_server *s)
{
    uint64_t wait = wait_deadline(s);
    uint64_t write = write_deadline(s);
    return wait < write ? wait : write;
}

void smtp_server_timed_out(struct smtp_server *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    if (now_ms >= write_deadline(s) ||
        (s->state == SMTP_SERVER_STATE_HANDSHAKE && now_ms >= wait_deadline(s))) {
        /* Nobody reads, or nothing in clear can be said any more. */
        buf_clear(&s->out, 0);
        smtp_server_end(s, SMTP_SERVER_CLOSE_TIMEOUT);
    } else if (now_ms >= wait_deadline(s)) {
        smtp_server_put_close(s, SMTP_CODE_TIMEOUT, SMTP_SERVER_CLOSE_TIMEOUT);
    }
}

const char *smtp_server_close_name(enum smtp_server_close reason)
{
    static const char *const names[] = {
        [SMTP_SERVER_CLOSE_QUIT] = "QUIT",
        [SMTP_SERVER_CLOSE_BANNER] = "BANNER",
        [SMTP_SERVER_CLOSE_REPLY] = "REPLY",
        [SMTP_SERVER_CLOSE_ERRORS] = "ERRORS",
        [SMTP_SERVER_CLOSE_JUNK] = "JUNK",
        [SMTP_SERVER_CLOSE_MESSAGES] = "MESSAGES",
        [SMTP_SERVER_CLOSE_HTTP] = "HTTP",
        [SMTP_SERVER_CLOSE_STARTTLS_INJECTION] = "STARTTLS_INJECTION",
        [SMTP_SERVER_CLOSE_TIMEOUT] = "TIMEOUT",
        [SMTP_SERVER_CLOSE_SHUTDOWN] = "SHUTDOWN",
    };
    ASSERT((size_t)reason < ARRAY_LEN(names));
    return names[reason];
}
