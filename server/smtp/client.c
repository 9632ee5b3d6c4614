/* The client's half of a session: greeting, EHLO, STARTTLS, QUIT, input, output, time. One message
 * is client_tx.c; how both are used stands in client.h.
 *
 *   GREETING -> EHLO ---------------------------------------------> READY <-> (message) -> QUIT
 *                |  \-> STARTTLS -220-> HANDSHAKE -> EHLO ------------^                      |
 *                `5xx-> HELO (no TLS then) -----------------------------^                     v
 *   any state -- reply that ends it, loss, deadline, bytes that answer nothing ------------> DONE
 *
 * One reply is read a feed, and its events are fetched before the next: so a reply's text needs no
 * copy. `outstanding` counts commands without reply; bytes that come while it is 0 answer nothing.
 * They are never kept for the next command: after the 220 to STARTTLS they would be an attacker's
 * words taken for the server's (RFC 3207 4.2), elsewhere they would shift every answer by one. */
#include "smtp/client.h"

#include <stdarg.h>

#include "base/limits.h"
#include "smtp/client_priv.h"

enum { KEEP_BYTES = 1024 };

struct smtp_client *smtp_client_create(const struct smtp_client_config *config, uint64_t now_ms)
{
    struct smtp_client *c = MEM_NEW(struct smtp_client);
    c->helo_name = slice_dup(config->helo_name);
    c->tls = config->tls;
    c->resets_always = config->resets_always;
    c->now_ms = now_ms;
    c->deadline_ms = now_ms + LIMIT_SMTP_GREETING_MS; /* RFC 5321 4.5.3.2.1 */
    c->outstanding = 1;
    smtp_reply_parser_init(&c->parser);
    buf_init(&c->out, 0);
    mem_arena_init(&c->tx.arena);
    return c;
}

void smtp_client_destroy(struct smtp_client *c)
{
    if (c == NULL)
        return;
    mem_arena_finish(&c->tx.arena);
    smtp_reply_parser_finish(&c->parser);
    buf_finish(&c->out);
    free(c->helo_name);
    free(c);
}

/* --- events, commands, ends --- */

struct smtp_client_event *smtp_client_push(struct smtp_client *c, enum smtp_client_event_type type)
{
    if (c->event_next == c->event_count)
        c->event_next = c->event_count = 0;
    ASSERT(c->event_count < CLIENT_EVENTS_MAX);
    struct smtp_client_event *event = &c->events[c->event_count++];
    *event = (struct smtp_client_event){.type = type};
    return event;
}

void smtp_client_command(struct smtp_client *c, uint64_t limit_ms, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool is_put = buf_vprintf(&c->out, fmt, args) && buf_append_str(&c->out, "\r\n");
    va_end(args);
    ASSERT(is_put);
    c->outstanding++;
    c->deadline_ms = c->now_ms + limit_ms;
}

static bool is_in_tx(const struct smtp_client *c)
{
    return c->state >= SMTP_CLIENT_STATE_RSET && c->state <= SMTP_CLIENT_STATE_EMPTY;
}

void smtp_client_fail(struct smtp_client *c, enum smtp_client_stage stage,
                      enum smtp_client_cause cause, const struct smtp_reply *reply)
{
    if (c->state == SMTP_CLIENT_STATE_DONE)
        return;
    /* An invitation that was not fetched yet is withdrawn. */
    if (c->event_count > c->event_next) {
        enum smtp_client_event_type last = c->events[c->event_count - 1].type;
        if (last == SMTP_CLIENT_EVENT_READY || last == SMTP_CLIENT_EVENT_TLS_START)
            c->event_count--;
    }
    bool has_own_end = is_in_tx(c) && c->tx.is_failed;
    c->state = SMTP_CLIENT_STATE_DONE;
    c->deadline_ms = SMTP_DEADLINE_NONE;
    buf_clear(&c->out, KEEP_BYTES);
    struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_FAILED);
    event->stage = has_own_end ? c->tx.failed_stage : stage;
    event->cause = has_own_end ? c->tx.failed_cause : cause;
    event->is_connection_lost = true;
    if (has_own_end)
        event->reply = c->tx.failed_reply;
    else if (reply != NULL)
        event->reply = *reply;
}

/* The server will not do, but it listens: RFC 5321 4.1.1.10 wants a QUIT before the close. */
static void fail_politely(struct smtp_client *c, enum smtp_client_stage stage,
                          enum smtp_client_cause cause, const struct smtp_reply *reply)
{
    smtp_client_fail(c, stage, cause, reply);
    if (reply == NULL || reply->code != 421) {
        bool is_put = buf_append_str(&c->out, "QUIT\r\n");
        ASSERT(is_put);
        c->deadline_ms = c->now_ms + LIMIT_SMTP_CONNECT_MS;
    }
}

void smtp_client_become_ready(struct smtp_client *c)
{
    c->state = SMTP_CLIENT_STATE_READY;
    c->deadline_ms = SMTP_DEADLINE_NONE;
    (void)smtp_client_push(c, SMTP_CLIENT_EVENT_READY);
}

/* --- greeting, EHLO, STARTTLS --- */

/* Nothing that could end the line or the argument. */
static bool is_clean_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    }
    return s.len > 0 && s.len <= LIMIT_SMTP_DOMAIN;
}

static void say_hello(struct smtp_client *c, enum smtp_client_state state)
{
    if (!is_clean_name(slice_str(c->helo_name))) {
        fail_politely(c, SMTP_CLIENT_STAGE_EHLO, SMTP_CLIENT_CAUSE_BAD_ARGUMENT, NULL);
        return;
    }
    c->state = state;
    c->capabilities = (struct smtp_client_capabilities){0};
    /* RFC 5321 names no time for EHLO: it is given MAIL's. */
    smtp_client_command(c, LIMIT_SMTP_MAIL_MS, "%s %s",
                        state == SMTP_CLIENT_STATE_EHLO ? "EHLO" : "HELO", c->helo_name);
}

static void read_size(struct smtp_client_capabilities *caps, struct slice value)
{
    unsigned long long size;
    caps->has_size = true;
    /* RFC 1870 4: 0 or nothing means that no limit is known */
    caps->max_size = slice_to_u64(value, UINT64_MAX, &size) ? size : 0;
}

static void read_capabilities(struct smtp_client_capabilities *caps, struct slice text)
{
    *caps = (struct smtp_client_capabilities){.is_esmtp = true};
    /* The first line should be the host's name; a server is known that puts a keyword there. */
    while (text.len > 0) {
        struct slice value = slice_cut(&text, '\n');
        struct slice keyword = slice_trim(slice_cut(&value, ' '));
        if (slice_eq_nocase(keyword, SLICE("PIPELINING")))
            caps->has_pipelining = true;
        else if (slice_eq_nocase(keyword, SLICE("8BITMIME")))
            caps->has_8bitmime = true;
        else if (slice_eq_nocase(keyword, SLICE("STARTTLS")))
            caps->has_starttls = true;
        else if (slice_eq_nocase(keyword, SLICE("ENHANCEDSTATUSCODES")))
            caps->has_enhanced = true;
        else if (slice_eq_nocase(keyword, SLICE("SIZE")))
            read_size(caps, slice_trim(value));
    }
}

/* STARTTLS will not happen: REPLY may be NULL. */
static void go_without_tls(struct smtp_client *c, enum smtp_client_cause cause,
                           const struct smtp_reply *reply)
{
    struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_TLS_REFUSED);
    event->stage = SMTP_CLIENT_STAGE_TLS;
    event->cause = cause;
    if (reply != NULL)
        event->reply = *reply;
}

static void on_greeting(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code != 220) {
        fail_politely(c, SMTP_CLIENT_STAGE_GREETING,
                      reply->code >= 400 ? SMTP_CLIENT_CAUSE_REPLY : SMTP_CLIENT_CAUSE_PROTOCOL,
                      reply);
        return;
    }
    smtp_client_push(c, SMTP_CLIENT_EVENT_GREETING)->reply = *reply;
    say_hello(c, SMTP_CLIENT_STATE_EHLO);
}

static void on_ehlo(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code / 100 == 5) {
        /* RFC 5321 3.2: an old server; HELO, then. */
        if (c->tls == SMTP_CLIENT_TLS_REQUIRED && !c->is_tls) {
            fail_politely(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_CAUSE_NO_ESMTP, reply);
            return;
        }
        if (c->tls == SMTP_CLIENT_TLS_PREFERRED && !c->is_tls)
            go_without_tls(c, SMTP_CLIENT_CAUSE_NO_ESMTP, reply);
        say_hello(c, SMTP_CLIENT_STATE_HELO);
        return;
    }
    if (reply->code != 250) {
        fail_politely(c, SMTP_CLIENT_STAGE_EHLO,
                      reply->code >= 400 ? SMTP_CLIENT_CAUSE_REPLY : SMTP_CLIENT_CAUSE_PROTOCOL,
                      reply);
        return;
    }
    read_capabilities(&c->capabilities, reply->text);
    smtp_client_push(c, SMTP_CLIENT_EVENT_EHLO)->capabilities = &c->capabilities;
    if (c->is_tls || c->tls == SMTP_CLIENT_TLS_NONE) {
        smtp_client_become_ready(c);
    } else if (c->capabilities.has_starttls) {
        c->state = SMTP_CLIENT_STATE_STARTTLS;
        smtp_client_command(c, LIMIT_SMTP_MAIL_MS, "STARTTLS");
    } else if (c->tls == SMTP_CLIENT_TLS_REQUIRED) {
        fail_politely(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_CAUSE_NOT_OFFERED, NULL);
    } else {
        go_without_tls(c, SMTP_CLIENT_CAUSE_NOT_OFFERED, NULL);
        smtp_client_become_ready(c);
    }
}

static void on_helo(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code != 250) {
        fail_politely(c, SMTP_CLIENT_STAGE_EHLO,
                      reply->code >= 400 ? SMTP_CLIENT_CAUSE_REPLY : SMTP_CLIENT_CAUSE_PROTOCOL,
                      reply);
        return;
    }
    smtp_client_push(c, SMTP_CLIENT_EVENT_EHLO)->capabilities = &c->capabilities;
    smtp_client_become_ready(c);
}

static void on_starttls(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code == 220) {
        c->state = SMTP_CLIENT_STATE_HANDSHAKE;
        c->deadline_ms = c->now_ms + LIMIT_SMTP_HANDSHAKE_MS;
        smtp_client_push(c, SMTP_CLIENT_EVENT_TLS_START)->stage = SMTP_CLIENT_STAGE_TLS;
    } else if (reply->code < 400) {
        smtp_client_fail(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_CAUSE_PROTOCOL, reply);
    } else if (c->tls == SMTP_CLIENT_TLS_REQUIRED || reply->code == 421) {
        fail_politely(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_CAUSE_REPLY, reply);
    } else {
        go_without_tls(c, SMTP_CLIENT_CAUSE_REPLY, reply);
        smtp_client_become_ready(c);
    }
}

void smtp_client_tls_started(struct smtp_client *c, uint64_t now_ms)
{
    if (c->state != SMTP_CLIENT_STATE_HANDSHAKE)
        return;
    c->now_ms = now_ms;
    c->is_tls = true;
    /* RFC 3207 4.2: what was learned before is forgotten */
    say_hello(c, SMTP_CLIENT_STATE_EHLO);
}

void smtp_client_tls_failed(struct smtp_client *c)
{
    smtp_client_fail(c, SMTP_CLIENT_STAGE_TLS, SMTP_CLIENT_CAUSE_HANDSHAKE, NULL);
}

bool smtp_client_is_tls(const struct smtp_client *c)
{
    return c->is_tls;
}

/* --- QUIT and other ends --- */

void smtp_client_quit(struct smtp_client *c, uint64_t now_ms)
{
    if (c->state != SMTP_CLIENT_STATE_READY)
        return;
    c->now_ms = now_ms;
    c->event_next = c->event_count = 0;
    c->state = SMTP_CLIENT_STATE_QUIT;
    smtp_client_command(c, LIMIT_SMTP_CONNECT_MS, "QUIT");
}

static void end_quit(struct smtp_client *c)
{
    c->state = SMTP_CLIENT_STATE_DONE;
    c->deadline_ms = SMTP_DEADLINE_NONE;
    buf_clear(&c->out, 0);
    (void)smtp_client_push(c, SMTP_CLIENT_EVENT_CLOSED);
}

void smtp_client_lost(struct smtp_client *c)
{
    if (c->state == SMTP_CLIENT_STATE_QUIT)
        end_quit(c);
    else
        smtp_client_fail(c, smtp_client_stage(c), SMTP_CLIENT_CAUSE_LOST, NULL);
    buf_clear(&c->out, 0);
}

void smtp_client_timed_out(struct smtp_client *c)
{
    if (c->state == SMTP_CLIENT_STATE_QUIT)
        end_quit(c);
    else
        smtp_client_fail(c, smtp_client_stage(c), SMTP_CLIENT_CAUSE_TIMEOUT, NULL);
    c->deadline_ms = SMTP_DEADLINE_NONE;
    buf_clear(&c->out, 0);
}

bool smtp_client_is_done(const struct smtp_client *c)
{
    return c->state == SMTP_CLIENT_STATE_DONE;
}

/* --- input --- */

static void on_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    switch (c->state) {
    case SMTP_CLIENT_STATE_GREETING:
        on_greeting(c, reply);
        break;
    case SMTP_CLIENT_STATE_EHLO:
        on_ehlo(c, reply);
        break;
    case SMTP_CLIENT_STATE_HELO:
        on_helo(c, reply);
        break;
    case SMTP_CLIENT_STATE_STARTTLS:
        on_starttls(c, reply);
        break;
    case SMTP_CLIENT_STATE_READY:
        /* The usual one is a 421: the server is tired of waiting. RFC 5321 3.8 */
        smtp_client_fail(c, SMTP_CLIENT_STAGE_IDLE, SMTP_CLIENT_CAUSE_REPLY, reply);
        break;
    case SMTP_CLIENT_STATE_RSET:
    case SMTP_CLIENT_STATE_MAIL:
    case SMTP_CLIENT_STATE_RCPT:
    case SMTP_CLIENT_STATE_DATA:
    case SMTP_CLIENT_STATE_BODY:
    case SMTP_CLIENT_STATE_END:
    case SMTP_CLIENT_STATE_EMPTY:
        smtp_client_tx_reply(c, reply);
        break;
    case SMTP_CLIENT_STATE_QUIT:
        end_quit(c);
        break;
    case SMTP_CLIENT_STATE_HANDSHAKE:
    case SMTP_CLIENT_STATE_DONE:
        break;
    }
}

size_t smtp_client_feed(struct smtp_client *c, struct slice in, uint64_t now_ms)
{
    struct smtp_reply reply = {0};
    struct slice rest = in;
    c->now_ms = now_ms;
    if (c->event_next < c->event_count || c->state == SMTP_CLIENT_STATE_HANDSHAKE ||
        c->state == SMTP_CLIENT_STATE_DONE)
        return 0;
    switch (smtp_reply_parser_feed(&c->parser, &rest, &reply)) {
    case SMTP_REPLY_MORE:
        break;
    case SMTP_REPLY_BAD:
        smtp_client_fail(c, smtp_client_stage(c), SMTP_CLIENT_CAUSE_PROTOCOL, NULL);
        break;
    case SMTP_REPLY_DONE: {
        enum smtp_client_stage stage = smtp_client_stage(c);
        c->outstanding -= c->outstanding > 0 ? 1 : 0;
        bool is_early = rest.len > 0 && c->outstanding == 0;
        on_reply(c, &reply);
        if (is_early && c->state != SMTP_CLIENT_STATE_DONE) {
            bool is_behind_starttls = c->state == SMTP_CLIENT_STATE_HANDSHAKE;
            if (c->state == SMTP_CLIENT_STATE_READY)
                stage = SMTP_CLIENT_STAGE_IDLE;
            smtp_client_fail(c, stage,
                             is_behind_starttls ? SMTP_CLIENT_CAUSE_INJECTION
                                                : SMTP_CLIENT_CAUSE_PROTOCOL,
                             NULL);
        }
        break;
    }
    }
    return in.len - rest.len;
}

bool smtp_client_next(struct smtp_client *c, struct smtp_client_event *ret_event)
{
    if (c->event_next < c->event_count) {
        *ret_event = c->events[c->event_next++];
        return true;
    }
    if (!smtp_client_tx_wants_body(c))
        return false;
    c->tx.has_asked = true;
    *ret_event = (struct smtp_client_event){
        .type = SMTP_CLIENT_EVENT_WANT_BODY,
        .stage = SMTP_CLIENT_STAGE_DATA,
    };
    return true;
}

/* --- output and time --- */

struct slice smtp_client_output(const struct smtp_client *c)
{
    return buf_slice(&c->out);
}

void smtp_client_sent(struct smtp_client *c, size_t len, uint64_t now_ms)
{
    c->now_ms = now_ms;
    buf_consume(&c->out, len);
    smtp_client_tx_sent(c, len);
    if (buf_len(&c->out) == 0)
        buf_clear(&c->out, c->state == SMTP_CLIENT_STATE_BODY ? SIZE_MAX : KEEP_BYTES);
}

uint64_t smtp_client_deadline_ms(const struct smtp_client *c)
{
    return c->deadline_ms;
}

/* --- names --- */

enum smtp_client_stage smtp_client_stage(const struct smtp_client *c)
{
    static const enum smtp_client_stage stages[] = {
        [SMTP_CLIENT_STATE_GREETING] = SMTP_CLIENT_STAGE_GREETING,
        [SMTP_CLIENT_STATE_EHLO] = SMTP_CLIENT_STAGE_EHLO,
        [SMTP_CLIENT_STATE_HELO] = SMTP_CLIENT_STAGE_EHLO,
        [SMTP_CLIENT_STATE_STARTTLS] = SMTP_CLIENT_STAGE_TLS,
        [SMTP_CLIENT_STATE_HANDSHAKE] = SMTP_CLIENT_STAGE_TLS,
        [SMTP_CLIENT_STATE_READY] = SMTP_CLIENT_STAGE_IDLE,
        [SMTP_CLIENT_STATE_RSET] = SMTP_CLIENT_STAGE_MAIL,
        [SMTP_CLIENT_STATE_MAIL] = SMTP_CLIENT_STAGE_MAIL,
        [SMTP_CLIENT_STATE_RCPT] = SMTP_CLIENT_STAGE_RCPT,
        [SMTP_CLIENT_STATE_DATA] = SMTP_CLIENT_STAGE_DATA,
        [SMTP_CLIENT_STATE_BODY] = SMTP_CLIENT_STAGE_DATA,
        [SMTP_CLIENT_STATE_END] = SMTP_CLIENT_STAGE_END,
        [SMTP_CLIENT_STATE_EMPTY] = SMTP_CLIENT_STAGE_END,
        [SMTP_CLIENT_STATE_QUIT] = SMTP_CLIENT_STAGE_QUIT,
        [SMTP_CLIENT_STATE_DONE] = SMTP_CLIENT_STAGE_QUIT,
    };
    return stages[c->state];
}

const char *smtp_client_stage_name(enum smtp_client_stage stage)
{
    static const char *const names[] = {
        [SMTP_CLIENT_STAGE_GREETING] = "GREETING", [SMTP_CLIENT_STAGE_EHLO] = "EHLO",
        [SMTP_CLIENT_STAGE_TLS] = "STARTTLS",      [SMTP_CLIENT_STAGE_IDLE] = "IDLE",
        [SMTP_CLIENT_STAGE_MAIL] = "MAIL",         [SMTP_CLIENT_STAGE_RCPT] = "RCPT",
        [SMTP_CLIENT_STAGE_DATA] = "DATA",         [SMTP_CLIENT_STAGE_END] = "END",
        [SMTP_CLIENT_STAGE_QUIT] = "QUIT",
    };
    ASSERT((size_t)stage < ARRAY_LEN(names));
    return names[stage];
}

const char *smtp_client_cause_text(enum smtp_client_cause cause)
{
    static const char *const texts[] = {
        [SMTP_CLIENT_CAUSE_REPLY] = "unexpected SMTP response",
        [SMTP_CLIENT_CAUSE_LOST] = "connection lost",
        [SMTP_CLIENT_CAUSE_TIMEOUT] = "timeout",
        [SMTP_CLIENT_CAUSE_PROTOCOL] = "bytes that are no answer",
        [SMTP_CLIENT_CAUSE_NO_ESMTP] = "EHLO refused",
        [SMTP_CLIENT_CAUSE_NOT_OFFERED] = "STARTTLS not offered",
        [SMTP_CLIENT_CAUSE_INJECTION] = "data behind the response to STARTTLS",
        [SMTP_CLIENT_CAUSE_HANDSHAKE] = "TLS handshake failed",
        [SMTP_CLIENT_CAUSE_NO_8BIT] = "8BITMIME not offered",
        [SMTP_CLIENT_CAUSE_TOO_BIG] = "message larger than the size it takes",
        [SMTP_CLIENT_CAUSE_BAD_ARGUMENT] = "address or name not fit for a command",
        [SMTP_CLIENT_CAUSE_NO_RECIPIENTS] = "all recipients refused",
    };
    ASSERT((size_t)cause < ARRAY_LEN(texts));
    return texts[cause];
}
