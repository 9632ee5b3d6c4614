/* See outbound.h.
 *
 *   run(job) -> connect hop 0 -> greeting, EHLO, STARTTLS -> READY -> message -> report -> next job
 *                  ^                    |
 *                  +--- next hop -------+  refused or lost before a message was offered
 *
 * A handshake that fails after the 220 is the end of the attempt, not of the host alone: the
 * message is deferred and never goes out in clear because of it (product rule for Preferred). A
 * reused connection that turns out dead gives its job back unharmed. Large or old bodies are read
 * by a worker, a chunk at a time, while the output drains. */
#include "engine/outbound.h"

#include "base/limits.h"
#include "base/mailaddr.h"
#include "base/mem.h"
#include "engine/outbound_priv.h"
#include "net/tcp.h"

enum { CLOSING_MS = 10000 };

static void connect_hop(struct outbound *o);

/* --- reports --- */

static void give_report(struct outbound *o, enum link_report outcome)
{
    struct link *link = o->link;

    o->has_job = false;
    o->is_read_stale = o->is_reading;
    o->is_spent = link->job.max_messages > 0 && o->sent_messages >= link->job.max_messages;
    link->outcome = outcome;
    link->dcid = o->dcid;
    link->works = o->was_ready;
    link->last_tls = o->tls;
    link->is_closing = o->is_closing || o->is_spent;
    delivery_take_report(link);
}

static struct slice keep(struct outbound *o, struct slice s)
{
    return slice_of(mem_arena_strndup(&o->link->arena, s.p, s.len), s.len);
}

/* What the peer answered at STAGE; the texts are kept until the next job. */
static struct outcome_result reply_result(struct outbound *o, enum outcome_stage stage,
                                          const struct smtp_reply *reply)
{
    return (struct outcome_result){
        .stage = stage,
        .code = reply->code,
        .enhanced = keep(o, reply->enhanced),
        .text = keep(o, reply->text),
        .remote_host = slice_str(outbound_hop(o)->name),
    };
}

static struct outcome_result result_of(struct outbound *o, const struct smtp_client_event *event)
{
    enum outcome_stage stage = outbound_outcome_stage(event->stage);

    if (event->cause == SMTP_CLIENT_CAUSE_REPLY)
        return reply_result(o, stage, &event->reply);
    return (struct outcome_result){
        .stage = stage,
        .code = outbound_outcome_code(event),
        .text = slice_str(smtp_client_cause_text(event->cause)),
        .remote_host = slice_str(outbound_hop(o)->name),
    };
}

/* RESULT for every recipient that has none of its own. */
void outbound_report_message(struct outbound *o, const struct outcome_result *result)
{
    struct link *link = o->link;

    for (size_t i = 0; i < link->job.rid_count; i++)
        if (link->results[i].code == 0)
            link->results[i] = *result;
    give_report(o, LINK_REPORT_DONE);
}

static void report_failed(struct outbound *o, const struct outcome_result *result)
{
    o->link->results[0] = *result;
    give_report(o, LINK_REPORT_FAILED);
}

/* --- closing --- */

static void write_output(struct outbound *o)
{
    struct slice out = smtp_client_output(o->smtp);

    if (out.len == 0 || o->conn == NULL)
        return;
    /* The machine is told of what the kernel took, so that it asks for body as fast as that goes.
     */
    if (conn_output_bytes(o->conn) > CONN_OUTPUT_LOW_BYTES)
        return;
    conn_write(o->conn, out);
    smtp_client_sent(o->smtp, out.len, loop_now_ms(o->loop));
}

/* A QUIT that the machine has left goes first: RFC 5321 4.1.1.10 */
static void close_politely(struct outbound *o)
{
    write_output(o);
    conn_close(o->conn);
    loop_timer_start_after(&o->timer, CLOSING_MS);
}

static void begin_close(struct outbound *o)
{
    if (o->is_closing)
        return;
    o->is_closing = true;
    o->is_ready = false;
    if (o->conn != NULL)
        close_politely(o);
}

static void quit(struct outbound *o)
{
    if (o->is_ready) {
        o->is_ready = false;
        smtp_client_quit(o->smtp, loop_now_ms(o->loop));
    } else if (o->conn != NULL && !o->is_closing) {
        begin_close(o);
    }
    outbound_pump(o);
}

/* The connection is gone for good. */
void outbound_finish(struct outbound *o)
{
    struct link *link = o->link;

    if (link != NULL) {
        link->outbound = NULL;
        link->is_gone = true;
        delivery_take_closed(link);
        o->link = NULL;
    }
    list_remove(&o->node);
    if (o->is_reading)
        return; /* the worker's letter comes here again */
    loop_timer_stop(&o->timer);
    smtp_client_destroy(o->smtp);
    free(o->chunk);
    free(o);
}

/* --- events of the machine --- */

static void handle_failure_before_message(struct outbound *o, const struct smtp_client_event *event)
{
    bool is_final =
        event->cause == SMTP_CLIENT_CAUSE_HANDSHAKE || event->cause == SMTP_CLIENT_CAUSE_INJECTION;

    outbound_tell_failure(o, event);
    if (!o->has_job) {
        begin_close(o);
    } else if (!is_final && o->hop + 1 < o->link->hops.count) {
        o->wants_next_hop = true;
        close_politely(o);
    } else {
        const struct outcome_result result = result_of(o, event);
        o->is_closing = true;
        report_failed(o, &result);
        close_politely(o);
    }
}

static void handle_failed(struct outbound *o, const struct smtp_client_event *event)
{
    if (!o->was_ready) {
        handle_failure_before_message(o, event);
        return;
    }
    if (event->is_connection_lost) {
        o->is_closing = true;
        close_politely(o);
    }
    if (!o->has_job)
        return;
    /* Closed while it was idle, or told so by a 421 (RFC 5321 3.8): no fault of this message. */
    bool is_gone = event->cause == SMTP_CLIENT_CAUSE_LOST ||
                   (event->cause == SMTP_CLIENT_CAUSE_REPLY && event->reply.code == 421);
    bool is_stale = event->is_connection_lost && is_gone && o->sent_messages > 1 &&
                    event->stage <= SMTP_CLIENT_STAGE_MAIL;
    if (is_stale) {
        give_report(o, LINK_REPORT_RETURNED);
        return;
    }
    const struct outcome_result result = result_of(o, event);
    outbound_report_message(o, &result);
}

static void handle_done(struct outbound *o, const struct smtp_client_event *event)
{
    const struct outcome_result result = reply_result(o, OUTCOME_STAGE_END, &event->reply);

    outbound_report_message(o, &result);
}

static void handle_rcpt(struct outbound *o, const struct smtp_client_event *event)
{
    if (event->reply.code / 100 == 2 || event->index >= o->link->job.rid_count)
        return;
    o->link->results[event->index] = reply_result(o, OUTCOME_STAGE_RCPT, &event->reply);
}

static void start_tls(struct outbound *o)
{
    const struct hop *hop = outbound_hop(o);
    const struct tls_reference references[] = {
        {.kind = TLS_NAME_MAIL_DOMAIN, .name = o->link->domain},
        {.kind = hop->kind, .name = hop->name},
    };
    bool is_name = mailaddr_is_domain(slice_str(hop->name)) && hop->kind == TLS_NAME_MX;

    write_output(o);
    o->is_shaking = true;
    loop_timer_start_after(&o->timer, LIMIT_SMTP_HANDSHAKE_MS);
    conn_start_tls_client(o->conn, o->link->snapshot->tls_client,
                          is_name ? hop->name : o->link->domain, references, ARRAY_LEN(references));
}

static void become_ready(struct outbound *o)
{
    if (!o->was_ready && o->link->tls == CFG_DEST_TLS_NONE)
        outbound_tell_tls_none(o, "destination control");
    o->is_ready = o->was_ready = true;
    if (o->has_job)
        outbound_message_start(o);
    else if (o->is_closing || o->is_spent)
        quit(o);
    else
        loop_timer_start_after(&o->timer, OUTBOUND_IDLE_MS);
}

static void handle(struct outbound *o, const struct smtp_client_event *event)
{
    switch (event->type) {
    case SMTP_CLIENT_EVENT_GREETING:
    case SMTP_CLIENT_EVENT_EHLO:
        break;
    case SMTP_CLIENT_EVENT_TLS_REFUSED:
        outbound_tell_tls_refused(o, event);
        break;
    case SMTP_CLIENT_EVENT_TLS_START:
        start_tls(o);
        break;
    case SMTP_CLIENT_EVENT_READY:
        become_ready(o);
        break;
    case SMTP_CLIENT_EVENT_RCPT_RESULT:
        handle_rcpt(o, event);
        break;
    case SMTP_CLIENT_EVENT_WANT_BODY:
        outbound_message_want(o);
        break;
    case SMTP_CLIENT_EVENT_MESSAGE_DONE:
        handle_done(o, event);
        break;
    case SMTP_CLIENT_EVENT_FAILED:
        handle_failed(o, event);
        break;
    case SMTP_CLIENT_EVENT_CLOSED:
        begin_close(o);
        break;
    }
}

static void set_timer(struct outbound *o)
{
    if (o->is_shaking || o->is_closing || o->wants_next_hop || o->is_ready)
        return; /* set where that began */
    uint64_t at = smtp_client_deadline_ms(o->smtp);
    if (at == SMTP_DEADLINE_NONE)
        loop_timer_stop(&o->timer);
    else
        loop_timer_start(&o->timer, at);
}

static void take_events(struct outbound *o)
{
    struct smtp_client_event event;

    while (smtp_client_next(o->smtp, &event))
        handle(o, &event);
}

void outbound_pump(struct outbound *o)
{
    if (o->smtp == NULL || o->conn == NULL || o->is_shaking)
        return;
    take_events(o);
    for (size_t before = 0, left = smtp_client_output(o->smtp).len; left > 0 && left != before;) {
        before = left;
        write_output(o);
        take_events(o); /* drained output may want more body */
        left = smtp_client_output(o->smtp).len;
    }
    if (!o->is_closing && smtp_client_is_done(o->smtp))
        begin_close(o);
    set_timer(o);
}

/* --- the connection --- */

static void on_connected(struct conn *conn)
{
    struct outbound *o = conn_user(conn);
    const struct config *config = o->link->snapshot->config;
    const struct hop *hop = outbound_hop(o);
    struct smtp_client_config settings = {.helo_name = slice_str(o->link->helo)};

    /* delivery.interface is Auto: the name of the interface that the system chose. */
    for (size_t i = 0; o->link->source.family == 0 && i < config->interfaces.count; i++)
        if (ip_eq(&config->interfaces.items[i].address, conn_local_ip(conn)))
            settings.helo_name = config->interfaces.items[i].hostname;
    settings.tls = o->link->tls == CFG_DEST_TLS_NONE       ? SMTP_CLIENT_TLS_NONE
                   : o->link->tls == CFG_DEST_TLS_REQUIRED ? SMTP_CLIENT_TLS_REQUIRED
                                                           : SMTP_CLIENT_TLS_PREFERRED;
    o->is_tls_told = false;
    OUTBOUND_EMIT(o, dcid_open, .dcid = o->dcid, .interface = *conn_local_ip(conn),
                  .address = hop->ip, .port = hop->port, .host = slice_str(hop->name),
                  .domain = outbound_domain(o));
    o->smtp = smtp_client_create(&settings, loop_now_ms(o->loop));
    outbound_pump(o);
}

static size_t on_data(struct conn *conn, struct slice bytes)
{
    struct outbound *o = conn_user(conn);
    struct slice in = bytes;

    while (in.len > 0 && o->smtp != NULL && !o->is_shaking) {
        size_t taken = smtp_client_feed(o->smtp, in, loop_now_ms(o->loop));
        in.p += taken;
        in.len -= taken;
        take_events(o);
        if (taken == 0)
            break;
    }
    outbound_pump(o);
    if (o->smtp == NULL || smtp_client_is_done(o->smtp))
        return bytes.len;
    return bytes.len - in.len;
}

static void on_drained(struct conn *conn)
{
    outbound_pump(conn_user(conn));
}

static void on_tls(struct conn *conn, const struct tls_result *result)
{
    struct outbound *o = conn_user(conn);

    o->is_shaking = false;
    o->is_tls_told = true;
    o->tls = result->is_ok ? QUEUE_TLS_SUCCESS : QUEUE_TLS_FAILED;
    loop_timer_stop(&o->timer);
    if (result->is_ok) {
        OUTBOUND_EMIT(o, dcid_tls_success, .dcid = o->dcid, .protocol = slice_str(result->protocol),
                      .cipher = slice_str(result->cipher), .domain = outbound_domain(o),
                      .resumed = result->is_resumed, .verified = result->is_verified,
                      .matched_name = slice_str(result->matched_name),
                      .why = slice_str(result->why), .peer_cn = slice_str(result->peer_cn));
        smtp_client_tls_started(o->smtp, loop_now_ms(o->loop));
    } else {
        OUTBOUND_EMIT(o, dcid_tls_failed, .dcid = o->dcid, .number = result->number,
                      .reason = slice_str(result->text), .peer_alert = result->is_peer_alert,
                      .domain = outbound_domain(o));
        smtp_client_tls_failed(o->smtp);
    }
    outbound_pump(o);
}

/* It never came up. LOCAL: the address it was tried from. */
static void next_hop_or_fail(struct outbound *o, const struct conn_end *end, struct ip local)
{
    const struct hop *hop = outbound_hop(o);
    bool is_timeout = end->cause == CONN_CAUSE_CONNECT_TIMEOUT;

    if (!o->has_job) { /* aborted */
        outbound_finish(o);
        return;
    }
    OUTBOUND_EMIT(o, connection_error, .dcid = o->dcid, .domain = outbound_domain(o), .ip = hop->ip,
                  .port = hop->port,
                  .details = is_timeout ? SLICE("timeout") : slice_str(end->text),
                  .interface = local,
                  .reason = is_timeout ? SLICE("connection timed out") : SLICE("network error"));
    if (o->hop + 1 < o->link->hops.count) {
        o->hop++;
        connect_hop(o);
        return;
    }
    const struct outcome_result result = {
        .stage = OUTCOME_STAGE_CONNECT,
        .code = is_timeout ? OUTCOME_EVENT_TIMEOUT : OUTCOME_EVENT_LOST,
        .text = keep(o, slice_str(end->text)),
        .remote_host = slice_str(hop->name),
    };
    o->is_closing = true;
    report_failed(o, &result);
    outbound_finish(o);
}

static void on_closed(struct conn *conn, const struct conn_end *end)
{
    struct outbound *o = conn_user(conn);

    if (o->smtp == NULL) {
        o->conn = NULL;
        next_hop_or_fail(o, end, *conn_local_ip(conn));
        return;
    }
    if (o->is_shaking) {
        /* our own time-out cut it */
        o->is_shaking = false;
        o->is_tls_told = true;
        o->tls = QUEUE_TLS_FAILED;
        OUTBOUND_EMIT(o, dcid_tls_failed, .dcid = o->dcid, .domain = outbound_domain(o),
                      .reason = SLICE("error:00000000:SSL routines:GNUTLS:handshake timed out"));
        smtp_client_tls_failed(o->smtp);
        take_events(o);
    }
    bool is_over = o->wants_next_hop || (o->is_closing && !o->has_job);
    if (!is_over && !smtp_client_is_done(o->smtp)) {
        smtp_client_lost(o->smtp);
        take_events(o);
    }
    o->conn = NULL;
    if (!o->is_tls_told)
        outbound_tell_tls_none(o, "the connection ended before it");
    OUTBOUND_EMIT(o, dcid_close, .dcid = o->dcid);
    if (o->wants_next_hop && o->has_job) {
        o->wants_next_hop = false;
        smtp_client_destroy(o->smtp);
        o->smtp = NULL;
        o->hop++;
        connect_hop(o);
        return;
    }
    if (o->has_job) { /* the machine had nothing more to say: nothing was taken by the peer */
        o->is_closing = true;
        give_report(o, LINK_REPORT_RETURNED);
    }
    outbound_finish(o);
}

static const struct conn_handler outbound_handler = {
    .on_connected = on_connected,
    .on_data = on_data,
    .on_drained = on_drained,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

static void connect_hop(struct outbound *o)
{
    const struct hop *hop = outbound_hop(o);
    const struct tcp_target target = {
        .ip = hop->ip,
        .port = hop->port,
        .source = o->link->source.family == hop->ip.family ? o->link->source : (struct ip){0},
    };

    loop_timer_stop(&o->timer);
    o->dcid = idgen_take(&o->engine->dcids);
    if (o->dcid == 0) {
        const struct outcome_result result = {
            .stage = OUTCOME_STAGE_LOCAL,
            .code = OUTCOME_EVENT_ERROR,
            .text = SLICE("no connection number could be reserved"),
        };
        o->is_closing = true;
        report_failed(o, &result);
        outbound_finish(o);
        return;
    }
    o->conn = o->engine->connect != NULL
                  ? o->engine->connect(o->loop, &target, &outbound_handler, o)
                  : tcp_connect(o->loop, &target, &outbound_handler, o);
}

static void timer_fired(struct loop_timer *timer)
{
    struct outbound *o = CONTAINER_OF(timer, struct outbound, timer);

    if (o->conn == NULL)
        return;
    if (o->is_shaking || o->is_closing || o->wants_next_hop) {
        conn_abort(o->conn);
        return;
    }
    if (o->is_ready) {
        quit(o);
        return;
    }
    smtp_client_timed_out(o->smtp);
    outbound_pump(o);
}

void outbound_run(struct letter *letter)
{
    struct link *link = CONTAINER_OF(letter, struct link, run);
    struct outbound *o = link->outbound;

    if (link->wants_quit) {
        if (o != NULL)
            quit(o);
        link->outcome = LINK_REPORT_QUIT;
        delivery_take_report(link);
        return;
    }
    if (link->is_gone || (o != NULL && (o->is_closing || !o->is_ready))) {
        link->outcome = LINK_REPORT_RETURNED;
        link->is_closing = true;
        delivery_take_report(link);
        return;
    }
    if (o != NULL) {
        loop_timer_stop(&o->timer);
        o->has_job = true;
        outbound_message_start(o);
        outbound_pump(o);
        return;
    }
    o = MEM_NEW(struct outbound);
    o->link = link;
    o->engine = delivery_engine(link->delivery);
    o->loop = link->loop;
    o->has_job = true;
    link->outbound = o;
    loop_timer_init(&o->timer, o->loop, timer_fired);
    list_init(&o->read.node);
    list_init(&o->read_done.node);
    list_append(delivery_outbounds(link->delivery, link->loop), &o->node);
    connect_hop(o);
}

void outbound_abort(struct list *node, bool is_only_unready)
{
    struct outbound *o = CONTAINER_OF(node, struct outbound, node);

    if (is_only_unready && o->was_ready)
        return;
    o->is_closing = true;
    o->is_shaking = o->wants_next_hop = false;
    if (o->has_job)
        give_report(o, LINK_REPORT_RETURNED);
    conn_abort(o->conn);
}
