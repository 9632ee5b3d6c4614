/* The connection: who is it, what may it do, TLS, deadlines, its lines in the log, its end. What is
 * done with the mail itself is in session_mail.c.
 *
 * All lines of a connection wait, in order, until its reverse name is known (the resolver's own
 * deadline is 2 s, then the name is `unknown`): the first line carries the name. */
#include "engine/session.h"

#include "base/hmap.h"
#include "base/mem.h"
#include "engine/session_priv.h"

enum { CLOSING_MS = 10000 };

struct session *session_of(struct list *node)
{
    return CONTAINER_OF(node, struct session, node);
}

/* --- lines --- */

static void release_lines(struct session *s)
{
    const struct trace_icid_open open = {
        .icid = s->icid,
        .interface = s->listener->interface->name,
        .ip = *conn_local_ip(s->conn),
        .port = conn_local_port(s->conn),
        .address = s->remote_ip,
        .address_port = conn_remote_port(s->conn),
        .host = slice_str(s->reverse_name[0] == '\0' ? "unknown" : s->reverse_name),
        .verified = s->is_reverse_verified,
        .listener = s->listener->cfg->name,
    };
    struct trace *trace = s->home.engine->trace;

    if (s->is_reverse_known)
        return;
    s->is_reverse_known = true;
    trace_submit(trace, trace_pack_icid_open(s->opened_wall_ms, &open));
    for (size_t i = 0; i < s->held_count; i++)
        trace_submit(trace, s->held[i]);
    free(s->held);
    s->held = NULL;
    s->held_count = 0;
}

void session_line(struct session *s, struct trace_record *record)
{
    if (!s->is_reverse_known && s->held_count == SESSION_HELD_MAX)
        release_lines(s); /* a busy client and a slow name server: `unknown` */
    if (s->is_reverse_known) {
        trace_submit(s->home.engine->trace, record);
        return;
    }
    if (s->held == NULL)
        s->held = mem_array(SESSION_HELD_MAX, sizeof(struct trace_record *));
    s->held[s->held_count++] = record;
}

static void reverse_came(void *ctx, const struct resolver_answer *answer)
{
    struct session *s = ctx;

    s->query = NULL;
    if (answer->status == RESOLVER_STATUS_OK) {
        (void)snprintf(s->reverse_name, sizeof s->reverse_name, "%s", answer->name);
        s->is_reverse_verified = answer->is_verified;
    }
    release_lines(s);
}

/* --- counts --- */

static _Atomic uint32_t *listener_slot(struct session *s)
{
    return &s->home.shared
                ->listener_slots[hmap_hash(s->listener->cfg->name) % INBOUND_LISTENER_SLOTS];
}

static void ip_slots(struct session *s, _Atomic uint32_t *ret_slots[2])
{
    const struct ip *ip = &s->remote_ip;
    uint64_t hash = hmap_hash(slice_of((const char *)ip->bytes, ip->family == 4 ? 4 : 16)) ^
                    s->home.shared->salt;

    ret_slots[0] = &s->home.shared->ip_slots[0][hash % INBOUND_IP_SLOTS];
    ret_slots[1] = &s->home.shared->ip_slots[1][(hash >> 32) % INBOUND_IP_SLOTS];
}

static const char *count_in(struct session *s)
{
    _Atomic uint32_t *ips[2];

    s->is_counted = true;
    ip_slots(s, ips);
    (void)atomic_fetch_add(&s->home.shared->sessions, 1);
    uint32_t here = atomic_fetch_add(listener_slot(s), 1);
    uint32_t a = atomic_fetch_add(ips[0], 1), b = atomic_fetch_add(ips[1], 1);
    if (here >= s->listener->cfg->max_connections)
        return "Connection limit exceeded";
    if ((a < b ? a : b) >= s->policy->max_connections_per_ip)
        return "Connection limit of one address exceeded";
    return NULL;
}

static void count_out(struct session *s)
{
    _Atomic uint32_t *ips[2];

    if (!s->is_counted)
        return;
    ip_slots(s, ips);
    (void)atomic_fetch_sub(&s->home.shared->sessions, 1);
    (void)atomic_fetch_sub(listener_slot(s), 1);
    (void)atomic_fetch_sub(ips[0], 1);
    (void)atomic_fetch_sub(ips[1], 1);
}

/* --- deadlines --- */

/* The timer is left alone while it fires early enough: it looks again when it does. */
static void set_timer(struct session *s)
{
    uint64_t at = UINT64_MAX;

    if (s->is_closing || s->tls == SESSION_TLS_SHAKING)
        return; /* set where that began */
    if (s->smtp != NULL)
        at = smtp_server_deadline_ms(s->smtp);
    if (at == SMTP_DEADLINE_NONE)
        loop_timer_stop(&s->timer);
    else if (!loop_timer_is_running(&s->timer) || s->timer.node.key > at)
        loop_timer_start(&s->timer, at);
}

static void begin_close(struct session *s)
{
    if (s->is_closing)
        return;
    s->is_closing = true;
    loop_timer_start_after(&s->timer, CLOSING_MS);
    conn_close(s->conn);
}

static void timer_fired(struct loop_timer *timer)
{
    struct session *s = CONTAINER_OF(timer, struct session, timer);

    if (s->is_closing || s->tls == SESSION_TLS_SHAKING) {
        if (s->tls == SESSION_TLS_SHAKING)
            SESSION_LINE(s, icid_tls_failed, .icid = s->icid,
                         .reason = SLICE("error:00000000:SSL routines:GNUTLS:handshake timed out"));
        s->tls = s->tls == SESSION_TLS_SHAKING ? SESSION_TLS_FAILED : s->tls;
        conn_abort(s->conn);
        return;
    }
    if (smtp_server_deadline_ms(s->smtp) <= session_now_ms(s)) {
        SESSION_LINE(s, icid_timeout, .icid = s->icid, .address = s->remote_ip,
                     .reason = SLICE("no messages injected within timeout period"));
        smtp_server_timed_out(s->smtp, session_now_ms(s));
    }
    session_pump(s);
}

/* --- the dialogue --- */

static const char *close_reason(enum smtp_server_close reason)
{
    switch (reason) {
    case SMTP_SERVER_CLOSE_ERRORS:
        return "Too many errors";
    case SMTP_SERVER_CLOSE_JUNK:
        return "Too many commands without a message";
    case SMTP_SERVER_CLOSE_MESSAGES:
        return "Too Many Messages";
    case SMTP_SERVER_CLOSE_HTTP:
        return "HTTP on an SMTP port";
    case SMTP_SERVER_CLOSE_QUIT:
    case SMTP_SERVER_CLOSE_BANNER:
    case SMTP_SERVER_CLOSE_REPLY:
    case SMTP_SERVER_CLOSE_STARTTLS_INJECTION:
    case SMTP_SERVER_CLOSE_TIMEOUT:
    case SMTP_SERVER_CLOSE_SHUTDOWN:
        break;
    }
    return NULL;
}

static void handle_close(struct session *s, const struct smtp_server_event *event)
{
    const char *reason = close_reason(event->reason);

    session_mail_drop(s, event->reason == SMTP_SERVER_CLOSE_QUIT,
                      slice_str(smtp_server_close_name(event->reason)));
    s->is_over = true;
    if (event->reason == SMTP_SERVER_CLOSE_STARTTLS_INJECTION) {
        s->tls = SESSION_TLS_FAILED;
        SESSION_LINE(s, icid_injection, .icid = s->icid, .bytes = event->size,
                     .address = s->remote_ip);
    }
    if (reason != NULL)
        SESSION_LINE(s, icid_receiving_failed, .icid = s->icid, .reason = slice_str(reason),
                     .code = 421);
}

/* A command that the machine has refused by itself. */
static void tell_mistake(struct session *s, const struct smtp_server_event *event)
{
    switch (event->mistake) {
    case SMTP_SERVER_MISTAKE_UNKNOWN:
        SESSION_LINE(s, icid_unknown_command, .icid = s->icid, .command = event->text);
        break;
    case SMTP_SERVER_MISTAKE_SYNTAX:
        SESSION_LINE(s, icid_bad_syntax, .icid = s->icid, .command = event->text);
        break;
    case SMTP_SERVER_MISTAKE_SENDER:
        SESSION_LINE(s, icid_invalid_sender, .icid = s->icid, .reason = slice_str(event->why),
                     .part = event->text);
        break;
    case SMTP_SERVER_MISTAKE_RECIPIENT:
        SESSION_LINE(s, icid_invalid_recipient, .icid = s->icid, .mid = s->mid,
                     .reason = slice_str(event->why), .part = event->text);
        break;
    case SMTP_SERVER_MISTAKE_SIZE:
        SESSION_LINE(s, icid_receiving_failed, .icid = s->icid,
                     .reason = SLICE("Message size exceeds limit"), .code = 552);
        break;
    }
}

static void write_all(struct session *s)
{
    struct slice out = smtp_server_output(s->smtp);

    if (out.len == 0)
        return;
    conn_write(s->conn, out);
    smtp_server_sent(s->smtp, out.len);
    s->is_reply_out = true;
}

/* What the client does not read stays with the machine: it has a deadline for it, and commands wait
 * when it is much. True: there is room for more replies. */
static bool write_output(struct session *s)
{
    if (smtp_server_output(s->smtp).len == 0 || s->is_reply_out)
        return false;
    write_all(s);
    return true;
}

static void handle(struct session *s, const struct smtp_server_event *event)
{
    switch (event->type) {
    case SMTP_SERVER_EVENT_HELO:
        session_mail_drop(s, true, event->is_esmtp ? SLICE("EHLO") : SLICE("HELO"));
        (void)snprintf(s->helo, sizeof s->helo, "%.*s", SLICE_ARGS(event->name));
        s->is_esmtp = event->is_esmtp;
        smtp_server_accept(s->smtp, event->token, session_now_ms(s));
        break;
    case SMTP_SERVER_EVENT_STARTTLS:
        ASSERT(s->mid == 0); /* the machine refuses it while a message is open */
        write_all(s);        /* the 220 leaves in clear */
        s->tls = SESSION_TLS_SHAKING;
        loop_timer_start_after(&s->timer, LIMIT_SMTP_HANDSHAKE_MS);
        conn_start_tls_server(s->conn, s->listener->tls);
        break;
    case SMTP_SERVER_EVENT_CLOSE:
        handle_close(s, event);
        break;
    case SMTP_SERVER_EVENT_MISTAKE:
        tell_mistake(s, event);
        break;
    case SMTP_SERVER_EVENT_MAIL:
    case SMTP_SERVER_EVENT_RCPT:
    case SMTP_SERVER_EVENT_DATA:
    case SMTP_SERVER_EVENT_BODY:
    case SMTP_SERVER_EVENT_DATA_END:
    case SMTP_SERVER_EVENT_RSET:
        session_mail_event(s, event);
        break;
    }
}

static void take_events(struct session *s)
{
    struct smtp_server_event event;

    while (smtp_server_next(s->smtp, &event))
        handle(s, &event);
}

void session_pump(struct session *s)
{
    if (s->smtp == NULL || s->is_closing || s->tls == SESSION_TLS_SHAKING)
        return;
    do {
        take_events(s);
    } while (write_output(s));
    if (smtp_server_is_done(s->smtp) || (s->has_eof && s->end_token == 0)) {
        /* After the peer's end nobody waits for more; a message that came whole is still answered.
         */
        write_all(s);
        begin_close(s);
        return;
    }
    if (s->has_leftover && !s->is_sink_full && smtp_server_wants_input(s->smtp)) {
        s->has_leftover = false;
        conn_resume(s->conn);
    }
    set_timer(s);
}

static size_t on_data(struct conn *conn, struct slice bytes)
{
    struct session *s = conn_user(conn);
    struct slice in = bytes;

    if (s->smtp == NULL || s->is_closing)
        return bytes.len;
    while (in.len > 0 && !s->is_sink_full && s->tls != SESSION_TLS_SHAKING &&
           smtp_server_wants_input(s->smtp)) {
        size_t taken = smtp_server_feed(s->smtp, in, session_now_ms(s));
        in.p += taken;
        in.len -= taken;
        take_events(s);
        if (taken == 0)
            break;
    }
    s->has_leftover = in.len > 0;
    session_pump(s);
    return bytes.len - in.len;
}

static void on_drained(struct conn *conn)
{
    struct session *s = conn_user(conn);

    s->is_reply_out = conn_output_bytes(conn) > 0;
    session_pump(s);
}

static void on_eof(struct conn *conn)
{
    struct session *s = conn_user(conn);

    s->has_eof = true;
    session_pump(s);
}

static void on_tls(struct conn *conn, const struct tls_result *result)
{
    struct session *s = conn_user(conn);

    loop_timer_stop(&s->timer);
    if (!result->is_ok) {
        s->tls = SESSION_TLS_FAILED;
        SESSION_LINE(s, icid_tls_failed, .icid = s->icid, .number = result->number,
                     .reason = slice_str(result->text), .peer_alert = result->is_peer_alert);
        return;
    }
    s->tls = SESSION_TLS_UP;
    s->tls_protocol = result->protocol;
    s->tls_cipher = result->cipher;
    SESSION_LINE(s, icid_tls_success, .icid = s->icid, .protocol = slice_str(result->protocol),
                 .cipher = slice_str(result->cipher), .resumed = result->is_resumed);
    smtp_server_tls_started(s->smtp, session_now_ms(s));
    if (s->is_draining)
        smtp_server_shutdown(s->smtp, session_now_ms(s));
    session_pump(s);
}

static void on_closed(struct conn *conn, const struct conn_end *end)
{
    struct session *s = conn_user(conn);

    session_mail_drop(s, false, slice_str(end->text));
    if (s->tls == SESSION_TLS_NONE && s->policy->tls == CFG_POLICY_TLS_REQUIRED &&
        s->listener->tls != NULL && s->smtp != NULL)
        SESSION_LINE(s, icid_tls_required, .icid = s->icid);
    if (!s->is_over)
        SESSION_LINE(s, icid_lost, .icid = s->icid, .reason = slice_str(end->text));
    if (s->tls == SESSION_TLS_NONE)
        SESSION_LINE(s, icid_tls_none, .icid = s->icid,
                     .reason = s->listener->tls == NULL || s->policy->tls == CFG_POLICY_TLS_OFF
                                   ? SLICE("not offered")
                                   : SLICE("the client did not ask for it"));
    if (session_is_blackhole(s))
        SESSION_LINE(s, icid_counted, .icid = s->icid, .messages = s->messages, .bytes = s->bytes);
    SESSION_LINE(s, icid_close, .icid = s->icid);
    resolver_cancel(s->query);
    release_lines(s);
    count_out(s);
    loop_timer_stop(&s->timer);
    list_remove(&s->node);
    smtp_server_destroy(s->smtp);
    snapshot_unref(s->home.snapshot);
    free(s);
}

static const struct conn_handler session_handler = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_drained = on_drained,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

static const char *action_word(enum cfg_policy_action action)
{
    switch (action) {
    case CFG_POLICY_ACTION_ACCEPT:
        return "ACCEPT";
    case CFG_POLICY_ACTION_RELAY:
        return "RELAY";
    case CFG_POLICY_ACTION_REJECT:
        return "REJECT";
    case CFG_POLICY_ACTION_TCPREFUSE:
        return "TCPREFUSE";
    }
    return "";
}

static void start_dialogue(struct session *s, const char *over_limit)
{
    const struct cfg_mail_flow_policy *policy = s->policy;
    struct smtp_server_config config = {
        .hostname = s->listener->interface->hostname,
        .banner_code = 220,
        .banner_text = policy->banner_text,
        .max_message_bytes = policy->max_message_size,
        .max_recipients = policy->max_recipients_per_message,
        .max_messages = policy->max_messages_per_connection,
        .offers_pipelining = true,
    };

    if (over_limit != NULL) {
        config.banner_code = 421;
        config.banner_text = SLICE("Too many connections, try again later");
    } else if (policy->action == CFG_POLICY_ACTION_REJECT) {
        config.banner_code = (int)policy->reject_code;
        config.banner_text = policy->reject_text;
    }
    if (s->listener->tls != NULL && policy->tls == CFG_POLICY_TLS_PREFERRED)
        config.tls = SMTP_SERVER_TLS_PREFERRED;
    else if (s->listener->tls != NULL && policy->tls == CFG_POLICY_TLS_REQUIRED)
        config.tls = SMTP_SERVER_TLS_REQUIRED;
    s->smtp = smtp_server_create(&config, session_now_ms(s));
    session_pump(s);
}

void session_start(const struct session_home *home, const struct snapshot_listener *listener,
                   struct conn *conn)
{
    struct session *s = MEM_NEW(struct session);
    struct hat_match match;
    const char *over_limit = NULL;

    s->home = *home;
    s->home.snapshot = snapshot_ref(home->snapshot);
    s->listener = listener;
    s->conn = conn;
    s->remote_ip = *conn_remote_ip(conn);
    s->opened_wall_ms = clock_wall_ms(home->engine->clock);
    list_append(home->sessions, &s->node);
    loop_timer_init(&s->timer, home->loop, timer_fired);
    conn_set_handler(conn, &session_handler, s);
    s->icid = idgen_take(&home->engine->icids);
    s->query = resolver_reverse(home->engine->resolver, home->loop, &s->remote_ip, reverse_came, s);
    if (!hat_find(listener->hat, &s->remote_ip, &match)) {
        /* crosscheck demands a group with ALL; without one nobody is let in */
        s->policy = &home->snapshot->config->mail_flow_policies.items[0];
        conn_abort(conn);
        return;
    }
    s->policy = match.policy;
    SESSION_LINE(s, icid_sender_group, .icid = s->icid,
                 .action = slice_str(action_word(match.policy->action)), .group = match.group->name,
                 .match = match.pattern, .sbrs = SLICE("None"), .policy = match.policy->name);
    if (match.policy->action == CFG_POLICY_ACTION_TCPREFUSE || s->icid == 0) {
        s->is_over = true;
        conn_abort(conn);
        return;
    }
    over_limit = count_in(s);
    if (over_limit != NULL)
        SESSION_LINE(s, icid_receiving_failed, .icid = s->icid, .reason = slice_str(over_limit),
                     .code = 421);
    start_dialogue(s, over_limit);
}

void session_drain(struct session *session)
{
    session->is_draining = true;
    if (session->smtp == NULL || session->is_closing || session->tls == SESSION_TLS_SHAKING)
        return;
    smtp_server_shutdown(session->smtp, session_now_ms(session));
    session_pump(session);
}

void session_abort(struct session *session)
{
    conn_abort(session->conn);
}
