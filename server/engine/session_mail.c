/* The transaction: MAIL makes a MID and an envelope, RCPT asks the RAT, DATA opens the sink, the
 * end of the text waits until the sink says that the message is on disk.
 *
 * Who may send where: a relaying policy reaches any recipient; an accepting one only what the RAT
 * of a public listener takes, and nothing on a private one. A blackhole takes all and keeps
 * nothing. The bare Postmaster is taken wherever mail is, and means this host's own. There is no
 * other way to a 250 for a recipient. */
#include "base/mem.h"
#include "engine/session_priv.h"
#include "mail/received.h"
#include "policy/rat.h"
#include "queue/spool.h"

enum { NUMBER_TEXT_MAX = 24, RECEIVED_MAX = 4096, ADDRESS_MAX = LIMIT_SMTP_PATH + 300 };

static void answer(struct session *s, uint32_t token, enum smtp_code code)
{
    smtp_server_reply_code(s->smtp, token, code, slice_of("", 0), session_now_ms(s));
}

static void clear(struct session *s)
{
    if (s->has_scan)
        header_scan_finish(&s->scan);
    s->has_scan = s->is_sink_full = false;
    envelope_destroy(s->env);
    s->env = NULL;
    s->message = NULL;
    s->mid = 0;
    s->end_token = 0;
}

/* One line before this one has said why. */
static void discard(struct session *s)
{
    if (s->message != NULL)
        inbound_message_abort(s->message);
    if (s->mid != 0 && s->end_token == 0)
        SESSION_LINE(s, mid_finished, .mid = s->mid, .result = SLICE("aborted"));
    clear(s);
}

void session_mail_drop(struct session *s, bool is_by_sender, struct slice cause)
{
    /* After the final dot the end is the sink's to tell: the message may be kept all the same. */
    if (s->mid != 0 && s->end_token == 0)
        SESSION_LINE(s, mid_aborted, .mid = s->mid,
                     .reason = is_by_sender ? SLICE("Receiving aborted by sender")
                                            : SLICE("Receiving aborted"),
                     .cause = cause);
    discard(s);
}

/* The message was refused: why, and which reply told it to the client. */
static void tell_failed(struct session *s, const char *reason, const struct smtp_reply *reply)
{
    SESSION_LINE(s, icid_receiving_failed, .icid = s->icid, .reason = slice_str(reason),
                 .mid = s->mid, .code = (uint64_t)reply->code, .reply = reply->text);
}

static void do_mail(struct session *s, const struct smtp_server_event *event)
{
    struct engine *engine = s->home.engine;

    if (session_is_blackhole(s)) {
        smtp_server_accept(s->smtp, event->token, session_now_ms(s));
        return;
    }
    int r = spool_state(engine->spool);
    uint64_t mid = r == 0 ? idgen_take(&engine->mids) : 0;
    if (mid == 0) {
        struct smtp_reply reply =
            smtp_code_reply(r == ERR_FULL ? SMTP_CODE_NO_ROOM : SMTP_CODE_TRY_LATER);
        tell_failed(s,
                    r == 0          ? "no message number could be reserved"
                    : r == ERR_FULL ? "no room in the spool"
                                    : "the spool failed",
                    &reply);
        smtp_server_reply(s->smtp, event->token, &reply, session_now_ms(s));
        return;
    }
    s->mid = mid;
    s->env = envelope_create(mid, event->path.address, clock_wall_ms(engine->clock));
    s->env->icid = s->icid;
    s->env->client_ip = s->remote_ip;
    s->env->is_8bit = event->is_8bit;
    SESSION_LINE(s, mid_start, .mid = mid, .icid = s->icid);
    SESSION_LINE(s, mid_from, .mid = mid, .icid = s->icid, .from = event->path.address);
    smtp_server_accept(s->smtp, event->token, session_now_ms(s));
}

static bool is_taken(const struct session *s, struct slice address,
                     const struct cfg_rat_entry **ret_entry)
{
    *ret_entry = NULL;
    if (s->policy->action == CFG_POLICY_ACTION_RELAY)
        return true;
    return s->listener->rat != NULL && rat_accepts(s->listener->rat, address, ret_entry);
}

static void reject_rcpt(struct session *s, const struct smtp_server_event *event,
                        const struct cfg_rat_entry *entry)
{
    struct smtp_reply reply = smtp_code_reply(SMTP_CODE_ADDRESS_REJECTED);

    if (s->listener->rat == NULL)
        reply = smtp_code_reply(SMTP_CODE_NO_RELAY);
    if (entry != NULL) {
        reply.code = (int)entry->reply_code;
        if (reply.code < 500)
            reply.enhanced = SLICE("4.1.0");
        if (entry->reply_text.len > 0)
            reply.text = entry->reply_text;
    }
    SESSION_LINE(s, mid_rejected_rat, .mid = s->mid, .icid = s->icid, .to = event->path.address,
                 .code = (uint64_t)reply.code, .reply = reply.text);
    smtp_server_reply(s->smtp, event->token, &reply, session_now_ms(s));
}

static void do_rcpt(struct session *s, const struct smtp_server_event *event)
{
    const struct cfg_rat_entry *entry = NULL;
    struct slice address = event->path.address;
    char postmaster[ADDRESS_MAX];

    if (session_is_blackhole(s)) {
        smtp_server_accept(s->smtp, event->token, session_now_ms(s));
        return;
    }
    if (s->env == NULL) { /* cannot be: the machine demands MAIL */
        answer(s, event->token, SMTP_CODE_TRY_LATER);
        return;
    }
    bool is_postmaster = slice_eq_nocase(address, SLICE("postmaster"));
    if (!is_postmaster && !is_taken(s, address, &entry)) {
        reject_rcpt(s, event, entry);
        return;
    }
    if (is_postmaster) {
        /* RFC 5321 4.5.1: taken always, and means the postmaster of this very host */
        (void)snprintf(postmaster, sizeof postmaster, "postmaster@%.*s",
                       SLICE_ARGS(s->home.snapshot->config->system.hostname));
        address = slice_str(postmaster);
    }
    if (!envelope_rcpt_add(s->env, address)) {
        answer(s, event->token, SMTP_CODE_TOO_MANY_RECIPIENTS);
        return;
    }
    SESSION_LINE(s, mid_rid_to, .mid = s->mid, .icid = s->icid,
                 .rid = (uint64_t)s->env->rcpt_count - 1, .to = address);
    smtp_server_accept(s->smtp, event->token, session_now_ms(s));
}

static void sink_drained(void *user)
{
    struct session *s = user;

    s->is_sink_full = false;
    session_pump(s);
}

static void sink_done(void *user, int result)
{
    struct session *s = user;
    uint32_t token = s->end_token;
    char number[NUMBER_TEXT_MAX];

    s->message = NULL;
    if (session_is_blackhole(s)) {
        answer(s, token, SMTP_CODE_MESSAGE_COUNTED);
    } else if (result == 0) {
        SESSION_LINE(s, mid_queued, .mid = s->mid);
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)s->mid);
        smtp_server_reply_code(s->smtp, token, SMTP_CODE_MESSAGE_OK, slice_str(number),
                               session_now_ms(s));
    } else {
        bool is_room = result == ERR_FULL || result == ERR_BUSY;
        struct smtp_reply reply =
            smtp_code_reply(is_room ? SMTP_CODE_NO_ROOM : SMTP_CODE_TRY_LATER);
        tell_failed(s, is_room ? "no room in the spool" : "the spool failed", &reply);
        SESSION_LINE(s, mid_finished, .mid = s->mid, .result = SLICE("aborted"));
        smtp_server_reply(s->smtp, token, &reply, session_now_ms(s));
    }
    clear(s);
    session_pump(s);
}

static void write_received(struct session *s)
{
    struct buf buf;
    const struct received received = {
        .helo = slice_str(s->helo),
        .reverse_name = slice_str(s->reverse_name),
        .client_ip = s->remote_ip,
        .by_host = s->listener->interface->hostname,
        .is_esmtp = s->is_esmtp,
        .is_tls = s->tls == SESSION_TLS_UP,
        .tls_protocol = slice_str(s->tls_protocol),
        .tls_cipher = slice_str(s->tls_cipher),
        .mid = s->mid,
        .for_address =
            s->env->rcpt_count == 1 ? envelope_rcpt_address(&s->env->rcpts[0]) : slice_of("", 0),
        .wall_ms = s->env->received_wall_ms,
    };

    buf_init(&buf, RECEIVED_MAX);
    bool is_ok = received_append(&buf, &received);
    ASSERT(is_ok);
    (void)inbound_message_write(s->message, buf_slice(&buf));
    buf_finish(&buf);
}

static void do_data(struct session *s, const struct smtp_server_event *event)
{
    const struct inbound_message_handler handler = {
        .done = sink_done,
        .drained = sink_drained,
        .user = s,
    };
    struct inbound_shared *shared = s->home.shared;

    header_scan_init(&s->scan);
    s->has_scan = true;
    if (session_is_blackhole(s)) {
        s->message =
            shared->count_sink.sink.open(&shared->count_sink.sink, s->home.loop, NULL, &handler);
    } else {
        /* The sink owns the envelope from here on; it does not change until `done`. */
        struct envelope *env = s->env;
        s->message =
            shared->spool_sink.sink.open(&shared->spool_sink.sink, s->home.loop, env, &handler);
        write_received(s);
        s->env = NULL;
    }
    smtp_server_accept(s->smtp, event->token, session_now_ms(s));
}

static void do_body(struct session *s, const struct smtp_server_event *event)
{
    if (s->message == NULL)
        return;
    if (!session_is_blackhole(s))
        header_scan_feed(&s->scan, event->body);
    s->bytes += event->body.len;
    if (!inbound_message_write(s->message, event->body))
        s->is_sink_full = true;
}

static void refuse(struct session *s, const struct smtp_reply *reply, const char *reason)
{
    tell_failed(s, reason, reply);
    discard(s);
}

static void do_end(struct session *s, const struct smtp_server_event *event)
{
    if (event->is_refused) {
        enum smtp_code code = event->is_oversize ? SMTP_CODE_TOO_BIG : SMTP_CODE_BARE_CR_OR_LF;
        const char *reason = event->has_bare_lf   ? "bare LF in the message"
                             : event->has_bare_cr ? "bare CR in the message"
                             : event->has_nul     ? "NUL in the message"
                                                  : "Message size exceeds limit";
        if (event->has_nul && !event->has_bare_cr && !event->has_bare_lf)
            code = SMTP_CODE_NUL_IN_MESSAGE;
        struct smtp_reply reply = smtp_code_reply(code);
        refuse(s, &reply, reason);
        return;
    }
    if (s->scan.received_count > LIMIT_RECEIVED_HOPS) { /* RFC 5321 6.3 */
        struct smtp_reply reply = smtp_code_reply(SMTP_CODE_LOOP);
        refuse(s, &reply, "Message loop");
        smtp_server_reply(s->smtp, event->token, &reply, session_now_ms(s));
        return;
    }
    s->messages++;
    s->end_token = event->token;
    if (!session_is_blackhole(s)) {
        if (s->scan.has_message_id)
            SESSION_LINE(s, mid_message_id, .mid = s->mid,
                         .message_id = buf_slice(&s->scan.message_id));
        if (s->scan.has_subject)
            SESSION_LINE(s, mid_subject, .mid = s->mid, .subject = buf_slice(&s->scan.subject));
        SESSION_LINE(s, mid_ready, .mid = s->mid, .bytes = event->size,
                     .from = slice_str(s->sender));
    }
    inbound_message_finish(s->message, event->has_8bit || s->scan.is_8bit);
}

void session_mail_event(struct session *s, const struct smtp_server_event *event)
{
    switch (event->type) {
    case SMTP_SERVER_EVENT_MAIL:
        (void)snprintf(s->sender, sizeof s->sender, "%.*s", SLICE_ARGS(event->path.address));
        do_mail(s, event);
        break;
    case SMTP_SERVER_EVENT_RCPT:
        do_rcpt(s, event);
        break;
    case SMTP_SERVER_EVENT_DATA:
        do_data(s, event);
        break;
    case SMTP_SERVER_EVENT_BODY:
        do_body(s, event);
        break;
    case SMTP_SERVER_EVENT_DATA_END:
        do_end(s, event);
        break;
    case SMTP_SERVER_EVENT_RSET:
        session_mail_drop(s, true, SLICE("RSET"));
        break;
    case SMTP_SERVER_EVENT_MISTAKE:
    case SMTP_SERVER_EVENT_HELO:
    case SMTP_SERVER_EVENT_STARTTLS:
    case SMTP_SERVER_EVENT_CLOSE:
        break;
    }
}
