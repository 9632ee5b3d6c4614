/* See next_hop.h. */
#include "next_hop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "net/conn_priv.h"

struct next_hop_plan next_hop_plans[NEXT_HOPS_MAX];
struct next_hop next_hops[NEXT_HOPS_MADE_MAX];
size_t next_hop_count;

static const struct {
    const char *word, *reply;
} verbs[NEXT_HOP_VERBS] = {
    [NEXT_HOP_GREETING] = {NULL, "220 next.example ESMTP\r\n"},
    [NEXT_HOP_EHLO] = {"EHLO", "250 next.example\r\n"},
    [NEXT_HOP_HELO] = {"HELO", "250 next.example\r\n"},
    [NEXT_HOP_STARTTLS] = {"STAR", "220 go on\r\n"},
    [NEXT_HOP_MAIL] = {"MAIL", "250 ok\r\n"},
    [NEXT_HOP_RCPT] = {"RCPT", "250 ok\r\n"},
    [NEXT_HOP_DATA] = {"DATA", "354 go on\r\n"},
    [NEXT_HOP_DOT] = {NULL, "250 taken\r\n"},
    [NEXT_HOP_RSET] = {"RSET", "250 ok\r\n"},
    [NEXT_HOP_QUIT] = {"QUIT", "221 bye\r\n"},
};

void next_hop_say(struct next_hop *hop, const char *bytes)
{
    conn_write(pair_b(hop->pair), slice_str(bytes));
}

const char *next_hop_got(struct next_hop *hop)
{
    return buf_cstr(&hop->got);
}

static void answer(struct next_hop *hop, enum next_hop_verb verb)
{
    const char *reply = hop->plan->replies[verb];
    bool has_tls = hop->plan->tls != NULL && !hop->is_tls;

    if (reply == NULL && verb == NEXT_HOP_EHLO && has_tls)
        reply = "250-next.example\r\n250 STARTTLS\r\n";
    if (reply == NULL && verb == NEXT_HOP_STARTTLS && !has_tls)
        reply = "502 5.5.1 what?\r\n";
    if (reply == NULL)
        reply = verbs[verb].reply;
    if (strcmp(reply, NEXT_HOP_HANGS_UP) == 0) {
        conn_close(pair_b(hop->pair));
        return;
    }
    next_hop_say(hop, reply);
    if (verb != NEXT_HOP_STARTTLS || strncmp(reply, "220", 3) != 0)
        return;
    hop->is_deaf = hop->plan->is_deaf;
    if (!hop->is_deaf)
        conn_start_tls_server(pair_b(hop->pair), hop->plan->tls);
}

/* Is PART, NULL: nothing, in the line that came? */
static bool holds(struct next_hop *hop, const char *part)
{
    return part != NULL && strstr(buf_cstr(&hop->line), part) != NULL;
}

static void answer_line(struct next_hop *hop, struct slice line)
{
    if (hop->is_in_data) {
        if (slice_eq(line, SLICE("."))) {
            hop->is_in_data = hop->is_busy = false;
            hop->messages++;
            answer(hop, NEXT_HOP_DOT);
        }
        return;
    }
    struct slice word = slice_of(line.p, line.len < 4 ? line.len : 4);
    hop->is_busy = hop->is_busy || slice_eq(word, SLICE("MAIL"));
    bool is_rcpt = slice_eq(word, SLICE("RCPT"));
    if (is_rcpt && holds(hop, hop->plan->refused)) {
        next_hop_say(hop, "550 5.1.1 nobody\r\n");
        return;
    }
    if (is_rcpt && holds(hop, hop->plan->deferred)) {
        next_hop_say(hop, "451 not now\r\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (verbs[i].word != NULL && slice_eq(word, slice_str(verbs[i].word)))
            answer(hop, (enum next_hop_verb)i);
    if (slice_eq(word, SLICE("DATA")) && hop->plan->takes > 0)
        pair_set_window(hop->pair, pair_a(hop->pair), hop->plan->takes);
    const char *data_reply = hop->plan->replies[NEXT_HOP_DATA];
    hop->is_in_data =
        slice_eq(word, SLICE("DATA")) && (data_reply == NULL || strncmp(data_reply, "354", 3) == 0);
}

static size_t hop_data(struct conn *conn, struct slice bytes)
{
    struct next_hop *hop = conn_user(conn);

    if (hop->is_deaf)
        return bytes.len;
    (void)buf_append_slice(&hop->got, bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.p[i] == '\n') {
            answer_line(hop, buf_slice(&hop->line));
            buf_clear(&hop->line, 0);
        } else if (bytes.p[i] != '\r') {
            (void)buf_append(&hop->line, &bytes.p[i], 1);
        }
    }
    return bytes.len;
}

static void hop_tls(struct conn *conn, const struct tls_result *result)
{
    struct next_hop *hop = conn_user(conn);

    hop->is_tls = result->is_ok;
}

static void hop_closed(struct conn *conn, const struct conn_end *end)
{
    struct next_hop *hop = conn_user(conn);

    (void)end;
    hop->is_closed = true;
}

static const struct conn_handler hop_handler = {
    .on_data = hop_data,
    .on_tls = hop_tls,
    .on_closed = hop_closed,
};

static void give_up(struct loop_timer *timer)
{
    struct next_hop *hop = CONTAINER_OF(timer, struct next_hop, no_answer);

    conn_transport_failed(pair_a(hop->pair), CONN_CAUSE_CONNECT_TIMEOUT, ETIMEDOUT,
                          "connection timed out");
    conn_abort(pair_b(hop->pair));
}

static void come_up(struct letter *letter)
{
    struct next_hop *hop = CONTAINER_OF(letter, struct next_hop, up);

    switch (hop->plan->manner) {
    case NEXT_HOP_REFUSES:
        conn_transport_failed(pair_a(hop->pair), CONN_CAUSE_CONNECT, ECONNREFUSED,
                              "connection refused");
        conn_abort(pair_b(hop->pair));
        break;
    case NEXT_HOP_UNREACHABLE:
        loop_timer_start_after(&hop->no_answer, LIMIT_SMTP_CONNECT_MS);
        break;
    case NEXT_HOP_ANSWERS:
        conn_transport_connected(pair_a(hop->pair));
        answer(hop, NEXT_HOP_GREETING);
        break;
    }
}

static struct conn *connect_in_memory(struct loop *loop, const struct tcp_target *target,
                                      const struct conn_handler *handler, void *user)
{
    size_t place = (size_t)target->ip.bytes[3] - NEXT_HOP_FIRST;

    assert_true(next_hop_count < NEXT_HOPS_MADE_MAX);
    assert_true(place < NEXT_HOPS_MAX);
    struct next_hop *hop = &next_hops[next_hop_count++];
    *hop = (struct next_hop){
        .plan = &next_hop_plans[place],
        .loop = loop,
        .target = *target,
        .made_ms = loop_now_ms(loop),
        .up.run = come_up,
    };
    buf_init(&hop->line, 0);
    buf_init(&hop->got, 0);
    loop_timer_init(&hop->no_answer, loop, give_up);
    hop->pair = pair_create(loop);
    struct conn *conn = pair_a(hop->pair);
    conn_set_handler(pair_b(hop->pair), &hop_handler, hop);
    conn_set_handler(conn, handler, user);
    conn->state = CONN_STATE_CONNECTING; /* a pair is born connected */
    conn->remote_ip = target->ip;
    conn->remote_port = target->port;
    loop_defer(loop, &hop->up);
    return conn;
}

void next_hops_init(struct gateway *g)
{
    memset(next_hop_plans, 0, sizeof next_hop_plans);
    next_hop_count = 0;
    g->engine.connect = connect_in_memory;
}

void next_hops_finish(struct gateway *g)
{
    gateway_free_workers(g);
    delivery_stop(g->delivery);
    gateway_settle(g);
    for (size_t i = 0; i < next_hop_count; i++)
        if (!next_hops[i].is_closed)
            conn_abort(pair_b(next_hops[i].pair));
    gateway_wait(g, 60000);
    for (size_t i = 0; i < next_hop_count; i++) {
        loop_timer_stop(&next_hops[i].no_answer);
        pair_destroy(next_hops[i].pair);
        buf_finish(&next_hops[i].line);
        buf_finish(&next_hops[i].got);
    }
}
