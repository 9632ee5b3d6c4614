/* One message of the client: RSET, MAIL, RCPT, DATA, the text, and what their replies mean.
 *
 *   (RSET) -> MAIL -> RCPT ... RCPT -> DATA -354-> BODY -> END -> READY
 *               |       |                |  `- nobody to get it: a lone dot (EMPTY) -> READY
 *               `-------+--- failed: the replies still owed are read first -----------> READY
 *
 * With PIPELINING all commands up to DATA are out in one write (RFC 2920 3.1), and replies are read
 * in that order whatever became of the message; without it each reply brings the next command. The
 * order of states is the same. A failed message leaves `needs_reset`, so that the next one begins
 * with RSET whatever the server still remembers. */
#include "base/limits.h"
#include "base/mailaddr.h"
#include "smtp/client_priv.h"

enum {
    /* WANT_BODY waits while more than this is to be written. */
    BACKLOG_BYTES = LIMIT_BODY_CHUNK / 2,
    /* A block of RFC 5321 4.5.3.2.5: so much must leave before its deadline. */
    BLOCK_BYTES = 65536,
};

static void set_deadline(struct smtp_client *c, uint64_t limit_ms)
{
    c->deadline_ms = c->now_ms + limit_ms;
}

/* --- commands --- */

static void put_mail(struct smtp_client *c)
{
    const struct client_tx *tx = &c->tx;
    char size[32] = "";
    /* RFC 1870 6: the size as stored; the dots that stuffing adds do not count */
    if (c->capabilities.has_size && tx->size > 0)
        (void)snprintf(size, sizeof(size), " SIZE=%llu", (unsigned long long)tx->size);
    smtp_client_command(c, LIMIT_SMTP_MAIL_MS, "MAIL FROM:<%.*s>%s%s", SLICE_ARGS(tx->sender), size,
                        tx->has_8bit ? " BODY=8BITMIME" : "");
}

static void put_rcpt(struct smtp_client *c, size_t index)
{
    smtp_client_command(c, LIMIT_SMTP_RCPT_MS, "RCPT TO:<%.*s>",
                        SLICE_ARGS(c->tx.recipients[index]));
}

static void put_data(struct smtp_client *c)
{
    smtp_client_command(c, LIMIT_SMTP_DATA_INIT_MS, "DATA");
}

/* What is wrong with the message before anything is sent. */
static bool is_sendable(struct smtp_client *c, const struct smtp_client_tx *tx)
{
    struct mailaddr addr;
    struct client_tx *own = &c->tx;
    own->failed_stage = SMTP_CLIENT_STAGE_MAIL;
    own->failed_cause = SMTP_CLIENT_CAUSE_BAD_ARGUMENT;
    /* The grammar has no CR, LF, NUL or bracket outside of quotes: nothing can leave its command.
     */
    if (tx->sender.len > 0 && (!mailaddr_parse(tx->sender, &addr) || addr.domain.len == 0))
        return false;
    for (size_t i = 0; i < tx->recipient_count; i++) {
        if (!mailaddr_parse(tx->recipients[i], &addr))
            return false;
    }
    /* RFC 6152 3: without the extension 8-bit text is converted or returned, not sent. We do not
     * convert: it would break signatures. */
    own->failed_cause = SMTP_CLIENT_CAUSE_NO_8BIT;
    if (tx->has_8bit && !c->capabilities.has_8bitmime)
        return false;
    /* RFC 1870 5 */
    own->failed_cause = SMTP_CLIENT_CAUSE_TOO_BIG;
    return c->capabilities.max_size == 0 || tx->size <= c->capabilities.max_size;
}

static void copy_tx(struct client_tx *own, const struct smtp_client_tx *tx)
{
    own->sender =
        slice_of(mem_arena_strndup(&own->arena, tx->sender.p, tx->sender.len), tx->sender.len);
    own->recipient_count = tx->recipient_count;
    own->recipients = mem_arena_alloc(&own->arena, tx->recipient_count * sizeof(struct slice));
    for (size_t i = 0; i < tx->recipient_count; i++) {
        struct slice r = tx->recipients[i];
        own->recipients[i] = slice_of(mem_arena_strndup(&own->arena, r.p, r.len), r.len);
    }
    own->size = tx->size;
    own->has_8bit = tx->has_8bit;
}

void smtp_client_send(struct smtp_client *c, const struct smtp_client_tx *tx, uint64_t now_ms)
{
    /* The connection may have ended while READY was on its way: FAILED says so. */
    if (c->state != SMTP_CLIENT_STATE_READY)
        return;
    ASSERT(tx->recipient_count > 0);
    c->now_ms = now_ms;
    c->event_next = c->event_count = 0;
    mem_arena_finish(&c->tx.arena);
    c->tx = (struct client_tx){.is_pipelined = c->capabilities.has_pipelining};
    mem_arena_init(&c->tx.arena);
    if (!is_sendable(c, tx)) {
        struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_FAILED);
        event->stage = c->tx.failed_stage;
        event->cause = c->tx.failed_cause;
        smtp_client_become_ready(c);
        return;
    }
    copy_tx(&c->tx, tx);
    bool resets = c->needs_reset || (c->resets_always && c->has_sent_message);
    c->needs_reset = false;
    c->has_sent_message = true;
    c->state = resets ? SMTP_CLIENT_STATE_RSET : SMTP_CLIENT_STATE_MAIL;
    if (resets)
        smtp_client_command(c, LIMIT_SMTP_MAIL_MS, "RSET");
    if (!resets || c->tx.is_pipelined)
        put_mail(c);
    if (c->tx.is_pipelined) {
        for (size_t i = 0; i < c->tx.recipient_count; i++)
            put_rcpt(c, i);
        put_data(c);
        set_deadline(c, LIMIT_SMTP_MAIL_MS);
    }
}

/* --- replies --- */

static struct smtp_reply keep_reply(struct mem_arena *arena, const struct smtp_reply *reply)
{
    struct slice e = reply->enhanced;
    struct slice t = reply->text;
    return (struct smtp_reply){
        .code = reply->code,
        .enhanced = slice_of(mem_arena_strndup(arena, e.len == 0 ? "" : e.p, e.len), e.len),
        .text = slice_of(mem_arena_strndup(arena, t.len == 0 ? "" : t.p, t.len), t.len),
    };
}

/* The message will not go; the end comes when no reply is owed any more. REPLY may be NULL. */
static void note_failure(struct smtp_client *c, enum smtp_client_stage stage,
                         enum smtp_client_cause cause, const struct smtp_reply *reply)
{
    c->tx.is_failed = true;
    c->tx.failed_stage = stage;
    c->tx.failed_cause = cause;
    if (reply != NULL)
        c->tx.failed_reply = keep_reply(&c->tx.arena, reply);
}

void smtp_client_tx_finish(struct smtp_client *c)
{
    struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_FAILED);
    event->stage = c->tx.failed_stage;
    event->cause = c->tx.failed_cause;
    event->reply = c->tx.failed_reply;
    c->needs_reset = true;
    smtp_client_become_ready(c);
}

static void tx_mail(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code / 100 != 2) {
        note_failure(c, SMTP_CLIENT_STAGE_MAIL, SMTP_CLIENT_CAUSE_REPLY, reply);
        if (!c->tx.is_pipelined) {
            smtp_client_tx_finish(c);
            return;
        }
    }
    c->state = SMTP_CLIENT_STATE_RCPT;
    set_deadline(c, LIMIT_SMTP_RCPT_MS);
    if (!c->tx.is_pipelined)
        put_rcpt(c, 0);
}

static void tx_rcpt(struct smtp_client *c, const struct smtp_reply *reply)
{
    struct client_tx *tx = &c->tx;
    if (!tx->is_failed) {
        struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_RCPT_RESULT);
        event->stage = SMTP_CLIENT_STAGE_RCPT;
        event->index = tx->index;
        event->reply = *reply;
        tx->accepted += reply->code / 100 == 2 ? 1 : 0;
    }
    tx->index++;
    set_deadline(c, LIMIT_SMTP_RCPT_MS);
    if (tx->index < tx->recipient_count) {
        if (!tx->is_pipelined)
            put_rcpt(c, tx->index);
        return;
    }
    if (tx->accepted == 0 && !tx->is_failed)
        note_failure(c, SMTP_CLIENT_STAGE_RCPT, SMTP_CLIENT_CAUSE_NO_RECIPIENTS, NULL);
    if (tx->is_failed && !tx->is_pipelined) {
        smtp_client_tx_finish(c);
        return;
    }
    c->state = SMTP_CLIENT_STATE_DATA;
    set_deadline(c, LIMIT_SMTP_DATA_INIT_MS);
    if (!tx->is_pipelined)
        put_data(c);
}

static void tx_data(struct smtp_client *c, const struct smtp_reply *reply)
{
    if (reply->code == 354 && c->tx.is_failed) {
        /* RFC 2920 3.1: a server may say 354 without a recipient; an empty message is the way back
         * to the commands. */
        c->state = SMTP_CLIENT_STATE_EMPTY;
        smtp_client_command(c, LIMIT_SMTP_DATA_END_MS, ".");
    } else if (reply->code == 354) {
        c->state = SMTP_CLIENT_STATE_BODY;
        c->deadline_ms = SMTP_DEADLINE_NONE;
        smtp_data_encoder_init(&c->tx.encoder);
    } else if (c->tx.is_failed) {
        smtp_client_tx_finish(c);
    } else if (reply->code >= 400) {
        note_failure(c, SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_CAUSE_REPLY, reply);
        smtp_client_tx_finish(c);
    } else {
        smtp_client_fail(c, SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_CAUSE_PROTOCOL, reply);
    }
}

static void tx_end(struct smtp_client *c, const struct smtp_reply *reply)
{
    /* A yes to a text that has not left, or an answer that is none (RFC 5321 4.3.2). */
    if ((reply->code < 400 && buf_len(&c->out) > 0) || reply->code / 100 == 3) {
        smtp_client_fail(c, SMTP_CLIENT_STAGE_END, SMTP_CLIENT_CAUSE_PROTOCOL, reply);
        return;
    }
    if (buf_len(&c->out) > 0) {
        /* It refuses what it has not read to the end: nothing tells where its commands begin. */
        smtp_client_fail(c, SMTP_CLIENT_STAGE_DATA, SMTP_CLIENT_CAUSE_REPLY, reply);
        return;
    }
    struct smtp_client_event *event = smtp_client_push(c, SMTP_CLIENT_EVENT_MESSAGE_DONE);
    event->stage = SMTP_CLIENT_STAGE_END;
    event->reply = *reply;
    c->needs_reset = reply->code >= 400;
    smtp_client_become_ready(c);
}

void smtp_client_tx_reply(struct smtp_client *c, const struct smtp_reply *reply)
{
    enum smtp_client_stage stage = smtp_client_stage(c);
    switch (c->state) {
    case SMTP_CLIENT_STATE_RSET:
        if (reply->code / 100 != 2) {
            smtp_client_fail(c, SMTP_CLIENT_STAGE_MAIL, SMTP_CLIENT_CAUSE_REPLY, reply);
            return;
        }
        c->state = SMTP_CLIENT_STATE_MAIL;
        set_deadline(c, LIMIT_SMTP_MAIL_MS);
        if (!c->tx.is_pipelined)
            put_mail(c);
        break;
    case SMTP_CLIENT_STATE_MAIL:
        tx_mail(c, reply);
        break;
    case SMTP_CLIENT_STATE_RCPT:
        tx_rcpt(c, reply);
        break;
    case SMTP_CLIENT_STATE_DATA:
        tx_data(c, reply);
        break;
    case SMTP_CLIENT_STATE_BODY:
        /* An answer in the middle of the text: as in tx_end. */
        smtp_client_fail(c, stage,
                         reply->code >= 400 ? SMTP_CLIENT_CAUSE_REPLY : SMTP_CLIENT_CAUSE_PROTOCOL,
                         reply);
        break;
    case SMTP_CLIENT_STATE_END:
        tx_end(c, reply);
        break;
    case SMTP_CLIENT_STATE_EMPTY:
        smtp_client_tx_finish(c);
        break;
    case SMTP_CLIENT_STATE_GREETING:
    case SMTP_CLIENT_STATE_EHLO:
    case SMTP_CLIENT_STATE_HELO:
    case SMTP_CLIENT_STATE_STARTTLS:
    case SMTP_CLIENT_STATE_HANDSHAKE:
    case SMTP_CLIENT_STATE_READY:
    case SMTP_CLIENT_STATE_QUIT:
    case SMTP_CLIENT_STATE_DONE:
        ASSERT(false);
    }
    /* RFC 5321 3.8: after 421 the server closes, whatever it answered. A message that ended by it
     * has had its event; the session ends with another. */
    if (reply->code == 421) {
        if (c->state == SMTP_CLIENT_STATE_READY)
            stage = SMTP_CLIENT_STAGE_IDLE;
        smtp_client_fail(c, stage, SMTP_CLIENT_CAUSE_REPLY, reply);
    }
}

/* --- the text --- */

bool smtp_client_tx_wants_body(const struct smtp_client *c)
{
    return c->state == SMTP_CLIENT_STATE_BODY && !c->tx.has_asked &&
           buf_len(&c->out) <= BACKLOG_BYTES;
}

void smtp_client_body(struct smtp_client *c, struct slice piece, bool is_last, uint64_t now_ms)
{
    /* The connection may have ended while the piece was read. */
    if (c->state != SMTP_CLIENT_STATE_BODY)
        return;
    ASSERT(c->tx.has_asked);
    c->now_ms = now_ms;
    c->tx.has_asked = false;
    bool was_empty = buf_len(&c->out) == 0;
    smtp_data_encode(&c->tx.encoder, piece, &c->out);
    if (is_last) {
        smtp_data_encode_end(&c->tx.encoder, &c->out);
        c->state = SMTP_CLIENT_STATE_END;
        c->outstanding++;
    }
    if (was_empty && buf_len(&c->out) > 0) {
        c->block_bytes = 0;
        set_deadline(c, LIMIT_SMTP_DATA_BLOCK_MS);
    }
}

void smtp_client_tx_sent(struct smtp_client *c, size_t len)
{
    if (c->state != SMTP_CLIENT_STATE_BODY && c->state != SMTP_CLIENT_STATE_END)
        return;
    c->block_bytes += len;
    if (buf_len(&c->out) == 0) {
        if (c->state == SMTP_CLIENT_STATE_END)
            set_deadline(c, LIMIT_SMTP_DATA_END_MS); /* RFC 5321 4.5.3.2.6 */
        else
            c->deadline_ms = SMTP_DEADLINE_NONE; /* the engine's turn */
        c->block_bytes = 0;
    } else if (c->block_bytes >= BLOCK_BYTES) {
        c->block_bytes = 0;
        set_deadline(c, LIMIT_SMTP_DATA_BLOCK_MS); /* RFC 5321 4.5.3.2.5 */
    }
}
