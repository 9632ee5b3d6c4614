/* What every connection does whatever carries it: buffers, TLS in the middle, back-pressure,
 * closing.
 *
 *   received -> [wire_in -> TLS ->] on_data, rest in `input`
 *   conn_write -> [plain_out -> TLS ->] wire_out -> transport
 *
 * Calls of the user only change state and ask for a turn (a deferred letter); callbacks are made
 * from turns, handshake steps and the transport's events. Each callback may close, abort or pause,
 * so the state is looked at again after each one. The conn itself lives until
 * conn_transport_closed.
 *
 * Closing: OPEN -conn_close-> FLUSHING -all sent-> LINGERING (FIN is out, input is dropped, so that
 * the kernel sends no reset that would take our last reply with it) -peer's FIN or CONN_LINGER_MS->
 * CLOSING. conn_abort and failures go to CLOSING at once. The first cause is the one on_closed
 * tells. */
#include "net/conn.h"

#include <errno.h>

#include "base/limits.h"
#include "net/conn_priv.h"

enum { CONN_PLAIN_CHUNK = 16384 };

static void conn_turn(struct letter *letter);
static void handshake_step(struct loop_step *step);
static void linger_over(struct loop_timer *timer);

void conn_init(struct conn *conn, const struct conn_transport *transport, struct loop *loop,
               enum conn_state state)
{
    static const struct conn_handler nobody;
    *conn = (struct conn){.transport = transport, .loop = loop, .handler = &nobody, .state = state};
    buf_init(&conn->input, 0);
    buf_init(&conn->wire_in, 0);
    buf_init(&conn->plain_out, 0);
    buf_init(&conn->wire_out, 0);
    conn->turn.run = conn_turn;
    conn->handshake.run = handshake_step;
    loop_timer_init(&conn->linger, loop, linger_over);
    if (state == CONN_STATE_OPEN)
        loop_defer(loop, &conn->turn); /* starts reading once the handler is set */
}

static bool is_open(const struct conn *conn)
{
    return conn->state == CONN_STATE_OPEN;
}

static void ask_turn(struct conn *conn)
{
    loop_defer(conn->loop, &conn->turn);
}

static void set_end(struct conn *conn, enum conn_cause cause, int errnum, const char *text)
{
    if (conn->has_end)
        return;
    conn->has_end = true;
    conn->end.cause = cause;
    conn->end.errnum = errnum;
    (void)snprintf(conn->end.text, sizeof(conn->end.text), "%s", text); /* cut, it is for a log */
}

static void drop(struct buf *b)
{
    buf_clear(b, 0);
}

static void close_now(struct conn *conn)
{
    if (conn->state == CONN_STATE_CLOSING)
        return;
    conn->state = CONN_STATE_CLOSING;
    loop_unration(&conn->handshake);
    loop_undefer(&conn->turn);
    loop_timer_stop(&conn->linger);
    drop(&conn->input);
    drop(&conn->wire_in);
    drop(&conn->plain_out);
    drop(&conn->wire_out);
    conn->transport->close(conn);
}

static void linger_over(struct loop_timer *timer)
{
    close_now(CONTAINER_OF(timer, struct conn, linger));
}

/* --- input --- */

size_t conn_transport_room(const struct conn *conn)
{
    if (conn->state == CONN_STATE_LINGERING || conn->state == CONN_STATE_FLUSHING)
        return LIMIT_SESSION_INPUT; /* is dropped */
    if (conn->state != CONN_STATE_OPEN || conn->has_transport_eof)
        return 0;
    size_t held = buf_len(&conn->input) + buf_len(&conn->wire_in);
    return held < LIMIT_SESSION_INPUT ? LIMIT_SESSION_INPUT - held : 0;
}

static void update_reading(struct conn *conn)
{
    if (conn->state == CONN_STATE_CLOSING)
        return;
    bool wants = conn_transport_room(conn) > 0 && !conn->has_transport_eof;
    if (wants == conn->is_reading)
        return;
    conn->is_reading = wants;
    conn->transport->set_reading(conn, wants);
}

static bool may_deliver(const struct conn *conn)
{
    return is_open(conn) && !conn->is_paused && !conn->is_tls_starting && !conn->is_handshaking;
}

/* Offers BYTES, which are not in `input`; what is not taken goes there. */
static void offer_fresh(struct conn *conn, struct slice bytes)
{
    size_t taken = 0;
    if (buf_len(&conn->input) == 0 && may_deliver(conn)) {
        taken = conn->handler->on_data == NULL ? bytes.len : conn->handler->on_data(conn, bytes);
        ASSERT(taken <= bytes.len);
        if (!is_open(conn))
            return;
    } else {
        conn->has_fresh_input = true;
    }
    (void)buf_append(&conn->input, bytes.p + taken, bytes.len - taken); /* no cap, see room */
}

static void offer_input(struct conn *conn)
{
    if (!conn->has_fresh_input || !may_deliver(conn) || buf_len(&conn->input) == 0)
        return;
    conn->has_fresh_input = false;
    struct slice bytes = buf_slice(&conn->input);
    size_t taken = conn->handler->on_data == NULL ? bytes.len : conn->handler->on_data(conn, bytes);
    ASSERT(taken <= bytes.len);
    if (!is_open(conn))
        return;
    buf_consume(&conn->input, taken);
    if (buf_len(&conn->input) == 0)
        drop(&conn->input);
}

static void tls_broke(struct conn *conn, const struct tls_result *result)
{
    set_end(conn, CONN_CAUSE_TLS, 0, result->text);
    conn->state = CONN_STATE_FLUSHING; /* the alert may leave */
    conn->is_bye_said = true;
    loop_timer_start_after(&conn->linger, CONN_REFUSE_MS);
    ask_turn(conn);
}

/* Decrypts as long as the user takes it. */
static void pump_tls(struct conn *conn)
{
    char plain[CONN_PLAIN_CHUNK];
    while (conn->tls != NULL && may_deliver(conn) && !conn->is_eof_due &&
           buf_len(&conn->input) < LIMIT_SESSION_INPUT) {
        struct tls_result result;
        size_t len = 0;
        enum tls_io io = tls_session_read(conn->tls, plain, sizeof(plain), &len, &result);
        if (io == TLS_IO_AGAIN)
            break;
        if (io == TLS_IO_OK) {
            if (buf_len(&conn->input) > 0)
                conn->has_fresh_input = true;
            offer_fresh(conn, slice_of(plain, len));
            offer_input(conn);
        } else if (io == TLS_IO_CLOSED) {
            conn->is_eof_due = true;
        } else {
            tls_broke(conn, &result);
        }
    }
    if (buf_len(&conn->wire_in) == 0 || conn->is_eof_due)
        drop(&conn->wire_in);
}

static void tell_eof(struct conn *conn)
{
    if (!conn->is_eof_due || conn->is_eof_told || !may_deliver(conn))
        return;
    if (buf_len(&conn->input) > 0 && conn->has_fresh_input)
        return;
    conn->is_eof_told = true;
    set_end(conn, CONN_CAUSE_PEER, 0, "closed by the peer");
    if (conn->handler->on_eof == NULL)
        conn_close(conn);
    else
        conn->handler->on_eof(conn);
}

/* Everything that input can lead to now. */
static void work_input(struct conn *conn)
{
    offer_input(conn);
    if (conn->tls != NULL)
        pump_tls(conn);
    else if (conn->has_transport_eof)
        conn->is_eof_due = true;
    tell_eof(conn);
    update_reading(conn);
}

void conn_transport_received(struct conn *conn, struct slice bytes)
{
    if (!is_open(conn))
        return; /* closing: dropped */
    if (conn->tls == NULL) {
        if (buf_len(&conn->input) > 0)
            conn->has_fresh_input = true;
        offer_fresh(conn, bytes);
        work_input(conn);
        return;
    }
    (void)buf_append(&conn->wire_in, bytes.p, bytes.len); /* no cap, see room */
    if (conn->is_handshaking) {
        loop_ration(conn->loop, &conn->handshake);
        update_reading(conn);
        return;
    }
    work_input(conn);
}

void conn_transport_eof(struct conn *conn)
{
    conn->has_transport_eof = true;
    conn->is_reading = false;
    if (conn->state == CONN_STATE_LINGERING) {
        close_now(conn);
        return;
    }
    if (!is_open(conn))
        return;
    if (conn->tls != NULL)
        tls_session_set_eof(conn->tls);
    if (conn->is_handshaking)
        loop_ration(conn->loop, &conn->handshake);
    else
        work_input(conn);
}

/* --- TLS --- */

static void handshake_failed(struct conn *conn, const struct tls_result *result)
{
    conn->is_handshaking = false;
    tls_broke(conn, result);
    if (conn->handler->on_tls != NULL)
        conn->handler->on_tls(conn, result);
}

static void handshake_step(struct loop_step *step)
{
    struct conn *conn = CONTAINER_OF(step, struct conn, handshake);
    if (!is_open(conn) || !conn->is_handshaking)
        return;
    struct tls_result result;
    enum tls_io io = tls_session_handshake(conn->tls, &result);
    if (io == TLS_IO_AGAIN) {
        update_reading(conn);
    } else if (io == TLS_IO_OK) {
        conn->is_handshaking = false;
        if (conn->handler->on_tls != NULL)
            conn->handler->on_tls(conn, &result);
    } else {
        handshake_failed(conn, &result);
    }
    if (conn->state != CONN_STATE_CLOSING)
        ask_turn(conn); /* what the step wrote, and data behind the last flight */
}

/* The turn of conn_start_tls_x: from here on every byte belongs to TLS. */
static void begin_handshake(struct conn *conn)
{
    conn->is_tls_starting = false;
    if (buf_len(&conn->input) > 0) {
        /* RFC 3207 4.2: sent before the handshake, so anybody on the way can have written it. */
        struct tls_result result;
        tls_result_refuse(&result, "plain text before the handshake");
        drop(&conn->input);
        handshake_failed(conn, &result);
        return;
    }
    if (conn->has_transport_eof)
        tls_session_set_eof(conn->tls);
    loop_ration(conn->loop, &conn->handshake);
}

static void start_tls(struct conn *conn, struct tls_session *session)
{
    conn->tls = session;
    conn->is_tls_starting = true;
    conn->is_handshaking = true;
    conn->is_paused = false;
    ask_turn(conn);
}

void conn_start_tls_server(struct conn *conn, struct tls_server *server)
{
    ASSERT(conn->tls == NULL);
    if (is_open(conn))
        start_tls(conn, tls_session_server(server, &conn->wire_in, &conn->wire_out));
}

void conn_start_tls_client(struct conn *conn, struct tls_client *client, const char *sni,
                           const struct tls_reference *references, size_t reference_count)
{
    ASSERT(conn->tls == NULL);
    if (is_open(conn))
        start_tls(conn, tls_session_client(client, sni, references, reference_count, &conn->wire_in,
                                           &conn->wire_out));
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL && !conn->is_handshaking;
}

/* --- output --- */

size_t conn_output_bytes(const struct conn *conn)
{
    return buf_len(&conn->plain_out) + buf_len(&conn->wire_out) + conn->in_flight;
}

size_t conn_input_bytes(const struct conn *conn)
{
    return buf_len(&conn->input);
}

void conn_write(struct conn *conn, struct slice bytes)
{
    bool is_possible =
        (is_open(conn) || conn->state == CONN_STATE_CONNECTING) && !conn->is_handshaking;
    if (!is_possible || bytes.len == 0)
        return;
    if (bytes.len > CONN_OUTPUT_CAP_BYTES ||
        conn_output_bytes(conn) > CONN_OUTPUT_CAP_BYTES - bytes.len) {
        set_end(conn, CONN_CAUSE_OUTPUT, ENOBUFS, "too much output that the peer does not read");
        close_now(conn);
        return;
    }
    (void)buf_append_slice(conn->tls == NULL ? &conn->wire_out : &conn->plain_out, bytes);
    conn->had_output = true;
    if (conn_output_bytes(conn) > CONN_OUTPUT_LOW_BYTES)
        conn->was_high = true;
    ask_turn(conn);
}

static void tell_drained(struct conn *conn)
{
    size_t left = conn_output_bytes(conn);
    bool is_low = conn->was_high && left <= CONN_OUTPUT_LOW_BYTES;
    bool is_nothing = conn->had_output && left == 0;
    if (!is_open(conn) || (!is_low && !is_nothing))
        return;
    conn->was_high = left > CONN_OUTPUT_LOW_BYTES;
    conn->had_output = left > 0;
    if (conn->handler->on_drained != NULL)
        conn->handler->on_drained(conn);
}

/* After the last byte of a closing connection. */
static void finish_flush(struct conn *conn)
{
    if (conn->state != CONN_STATE_FLUSHING || conn_output_bytes(conn) > 0)
        return;
    if (conn->has_transport_eof) {
        close_now(conn); /* the peer waits for nothing but our end */
        return;
    }
    conn->state = CONN_STATE_LINGERING;
    loop_timer_start_after(&conn->linger, CONN_LINGER_MS);
    conn->transport->shutdown(conn);
    update_reading(conn);
}

static void work_output(struct conn *conn)
{
    bool can_encrypt = conn->tls != NULL && !conn->is_handshaking;
    if (can_encrypt && buf_len(&conn->plain_out) > 0) {
        enum tls_io io = tls_session_write(conn->tls, buf_slice(&conn->plain_out));
        drop(&conn->plain_out);
        if (io == TLS_IO_DEAD)
            conn->is_bye_said = true;
    }
    if (conn->state == CONN_STATE_FLUSHING && can_encrypt && !conn->is_bye_said) {
        conn->is_bye_said = true;
        tls_session_bye(conn->tls);
    }
    if (buf_len(&conn->wire_out) > 0)
        conn->transport->send(conn);
    if (conn->state == CONN_STATE_CLOSING)
        return;
    tell_drained(conn);
    finish_flush(conn);
}

void conn_transport_sent(struct conn *conn)
{
    if (conn->state == CONN_STATE_OPEN || conn->state == CONN_STATE_FLUSHING)
        ask_turn(conn);
}

static void conn_turn(struct letter *letter)
{
    struct conn *conn = CONTAINER_OF(letter, struct conn, turn);
    if (conn->state == CONN_STATE_CONNECTING || conn->state == CONN_STATE_CLOSING)
        return;
    if (conn->is_tls_starting && is_open(conn))
        begin_handshake(conn);
    if (is_open(conn) && !conn->is_handshaking)
        work_input(conn);
    if (conn->state != CONN_STATE_CLOSING)
        work_output(conn);
    update_reading(conn);
}

/* --- life --- */

void conn_transport_connected(struct conn *conn)
{
    if (conn->state != CONN_STATE_CONNECTING)
        return;
    conn->state = CONN_STATE_OPEN;
    ask_turn(conn);
    if (conn->handler->on_connected != NULL)
        conn->handler->on_connected(conn);
}

void conn_transport_failed(struct conn *conn, enum conn_cause cause, int errnum, const char *text)
{
    if (conn->state == CONN_STATE_CLOSING)
        return;
    /* A reset while we linger is no news: everything was said. */
    if (conn->state != CONN_STATE_LINGERING)
        set_end(conn, cause, errnum, text);
    if (conn->state == CONN_STATE_OPEN && conn->is_handshaking) {
        /* The handshake has its own ending; the user hears of it before on_closed. */
        struct tls_result result;
        conn->is_tls_starting = false;
        tls_session_set_eof(conn->tls);
        drop(&conn->wire_in);
        enum tls_io io = tls_session_handshake(conn->tls, &result);
        if (io == TLS_IO_DEAD)
            handshake_failed(conn, &result);
    }
    close_now(conn);
}

void conn_transport_closed(struct conn *conn)
{
    ASSERT(conn->state == CONN_STATE_CLOSING);
    set_end(conn, CONN_CAUSE_LOCAL, 0, "closed by us");
    if (conn->handler->on_closed != NULL)
        conn->handler->on_closed(conn, &conn->end);
    loop_unration(&conn->handshake);
    loop_undefer(&conn->turn);
    loop_timer_stop(&conn->linger);
    tls_session_destroy(conn->tls);
    buf_finish(&conn->input);
    buf_finish(&conn->wire_in);
    buf_finish(&conn->plain_out);
    buf_finish(&conn->wire_out);
    conn->transport->release(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->state == CONN_STATE_CONNECTING) {
        conn_abort(conn);
    } else if (conn->state == CONN_STATE_OPEN) {
        set_end(conn, CONN_CAUSE_LOCAL, 0, "closed by us");
        conn->state = CONN_STATE_FLUSHING;
        conn->is_bye_said = conn->is_handshaking;
        loop_unration(&conn->handshake);
        ask_turn(conn);
    }
}

void conn_abort(struct conn *conn)
{
    set_end(conn, CONN_CAUSE_LOCAL, 0, "closed by us");
    close_now(conn);
}

void conn_pause(struct conn *conn)
{
    conn->is_paused = true;
}

void conn_resume(struct conn *conn)
{
    conn->is_paused = false;
    conn->has_fresh_input = true; /* what was not taken is offered again, paused or not */
    if (is_open(conn))
        ask_turn(conn);
}

/* --- what it is --- */

void conn_set_handler(struct conn *conn, const struct conn_handler *handler, void *user)
{
    conn->handler = handler;
    conn->user = user;
}

void *conn_user(const struct conn *conn)
{
    return conn->user;
}

struct loop *conn_loop(const struct conn *conn)
{
    return conn->loop;
}

const struct ip *conn_local_ip(const struct conn *conn)
{
    return &conn->local_ip;
}

uint16_t conn_local_port(const struct conn *conn)
{
    return conn->local_port;
}

const struct ip *conn_remote_ip(const struct conn *conn)
{
    return &conn->remote_ip;
}

uint16_t conn_remote_port(const struct conn *conn)
{
    return conn->remote_port;
}
