/* Two connections joined in memory. See pair.h.
 *
 * Each end's wire_out goes into the other end's `arriving`; a deferred letter carries it over,
 * piece by piece, as far as the reader has room. */
#include "pair.h"

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/conn_priv.h"

struct pair_end {
    struct conn conn;
    struct pair *pair;
    struct pair_end *peer;
    struct buf arriving;       /* from the peer, not yet received */
    struct letter carry;       /* moves `arriving` into conn */
    struct letter close;       /* tells conn_transport_closed */
    struct letter open_window; /* sends what waited */
    bool wants_reading;
    bool is_held;   /* nothing arrives here */
    bool is_closed; /* the transport was closed */
    bool is_released;
    bool has_fin; /* the peer's FIN follows `arriving` */
    bool has_reset;
    bool is_fin_told;
    bool is_cut; /* what this end sends goes nowhere */
    size_t sent_bytes;
    size_t cut_left; /* bytes that may still leave; SIZE_MAX: no cut */
    size_t window;   /* bytes that the peer will take; SIZE_MAX: any */
    bool is_cut_reset;
};

struct pair {
    struct loop *loop;
    size_t piece; /* 0: whole */
    struct pair_end a, b;
};

static struct pair_end *end_of(struct conn *conn)
{
    return CONTAINER_OF(conn, struct pair_end, conn);
}

static void ask_carry(struct pair_end *end)
{
    loop_defer(end->pair->loop, &end->carry);
}

static void carry(struct letter *letter)
{
    struct pair_end *end = CONTAINER_OF(letter, struct pair_end, carry);
    if (end->is_closed || end->is_held)
        return;
    if (end->has_reset) {
        conn_transport_failed(&end->conn, CONN_CAUSE_LOST, ECONNRESET, "connection reset by peer");
        return;
    }
    size_t room = conn_transport_room(&end->conn);
    size_t len = buf_len(&end->arriving);
    if (end->wants_reading && len > 0 && room > 0) {
        if (end->pair->piece > 0 && len > end->pair->piece)
            len = end->pair->piece;
        if (len > room)
            len = room;
        char *bytes = mem_alloc(len); /* its own block, so that a sanitizer sees a read too far */
        memcpy(bytes, buf_slice(&end->arriving).p, len);
        buf_consume(&end->arriving, len);
        conn_transport_received(&end->conn, slice_of(bytes, len));
        free(bytes);
    }
    if (end->is_closed)
        return;
    if (buf_len(&end->arriving) == 0 && end->has_fin && !end->is_fin_told && end->wants_reading) {
        end->is_fin_told = true;
        conn_transport_eof(&end->conn);
    } else if (buf_len(&end->arriving) > 0 && end->wants_reading) {
        ask_carry(end);
    }
}

static void fin(struct pair_end *from, bool is_reset)
{
    from->is_cut = true;
    if (is_reset)
        from->peer->has_reset = true;
    else
        from->peer->has_fin = true;
    ask_carry(from->peer);
}

static void pair_send(struct conn *conn)
{
    struct pair_end *end = end_of(conn);
    struct slice bytes = buf_slice(&conn->wire_out);
    size_t len = bytes.len < end->window ? bytes.len : end->window;
    if (len == 0)
        return;
    if (end->window != SIZE_MAX)
        end->window -= len;
    if (!end->is_cut) {
        bool is_last = len >= end->cut_left;
        size_t goes = is_last ? end->cut_left : len;
        if (!buf_append(&end->peer->arriving, bytes.p, goes))
            abort();
        end->sent_bytes += goes;
        if (end->cut_left != SIZE_MAX)
            end->cut_left -= goes;
        if (is_last)
            fin(end, end->is_cut_reset);
        ask_carry(end->peer);
    }
    buf_consume(&conn->wire_out, len);
    conn_transport_sent(conn);
}

static void window_opened(struct letter *letter)
{
    struct pair_end *end = CONTAINER_OF(letter, struct pair_end, open_window);
    if (!end->is_closed)
        pair_send(&end->conn);
}

static void pair_set_reading(struct conn *conn, bool wants)
{
    struct pair_end *end = end_of(conn);
    end->wants_reading = wants;
    if (wants)
        ask_carry(end);
}

static void pair_shutdown(struct conn *conn)
{
    if (!end_of(conn)->is_cut)
        fin(end_of(conn), false);
}

static void closed(struct letter *letter)
{
    conn_transport_closed(&CONTAINER_OF(letter, struct pair_end, close)->conn);
}

static void pair_close(struct conn *conn)
{
    struct pair_end *end = end_of(conn);
    end->is_closed = true;
    if (!end->is_cut)
        fin(end, false);
    loop_undefer(&end->carry);
    loop_undefer(&end->open_window);
    loop_defer(end->pair->loop, &end->close);
}

static void pair_release(struct conn *conn)
{
    end_of(conn)->is_released = true;
}

static const struct conn_transport pair_transport = {
    .send = pair_send,
    .set_reading = pair_set_reading,
    .shutdown = pair_shutdown,
    .close = pair_close,
    .release = pair_release,
};

static void init_end(struct pair *pair, struct pair_end *end, struct pair_end *peer, uint8_t last,
                     uint16_t port)
{
    end->pair = pair;
    end->peer = peer;
    end->cut_left = SIZE_MAX;
    end->window = SIZE_MAX;
    end->open_window.run = window_opened;
    buf_init(&end->arriving, 0);
    end->carry.run = carry;
    end->close.run = closed;
    conn_init(&end->conn, &pair_transport, pair->loop, CONN_STATE_OPEN);
    end->conn.local_ip = (struct ip){.family = 4, .bytes = {192, 0, 2, last}};
    end->conn.local_port = port;
}

struct pair *pair_create(struct loop *loop)
{
    struct pair *pair = MEM_NEW(struct pair);
    pair->loop = loop;
    init_end(pair, &pair->a, &pair->b, 1, 1025);
    init_end(pair, &pair->b, &pair->a, 2, 25);
    pair->a.conn.remote_ip = pair->b.conn.local_ip;
    pair->a.conn.remote_port = pair->b.conn.local_port;
    pair->b.conn.remote_ip = pair->a.conn.local_ip;
    pair->b.conn.remote_port = pair->a.conn.local_port;
    return pair;
}

void pair_destroy(struct pair *pair)
{
    ASSERT(pair->a.is_released && pair->b.is_released);
    loop_undefer(&pair->a.carry);
    loop_undefer(&pair->b.carry);
    loop_undefer(&pair->a.open_window);
    loop_undefer(&pair->b.open_window);
    buf_finish(&pair->a.arriving);
    buf_finish(&pair->b.arriving);
    free(pair);
}

struct conn *pair_a(struct pair *pair)
{
    return &pair->a.conn;
}

struct conn *pair_b(struct pair *pair)
{
    return &pair->b.conn;
}

void pair_set_piece(struct pair *pair, size_t size)
{
    pair->piece = size;
}

void pair_cut_after(struct pair *pair, struct conn *end, size_t count, bool is_reset)
{
    (void)pair;
    end_of(end)->cut_left = count;
    end_of(end)->is_cut_reset = is_reset;
    if (count == 0)
        fin(end_of(end), is_reset);
}

void pair_hold(struct pair *pair, struct conn *end, bool is_held)
{
    (void)pair;
    struct pair_end *peer = end_of(end)->peer;
    peer->is_held = is_held;
    if (!is_held)
        ask_carry(peer);
}

void pair_set_window(struct pair *pair, struct conn *end, size_t count)
{
    end_of(end)->window = count;
    loop_defer(pair->loop, &end_of(end)->open_window);
}

void pair_inject(struct pair *pair, struct conn *end, struct slice bytes)
{
    (void)pair;
    if (!buf_append_slice(&end_of(end)->peer->arriving, bytes))
        abort();
    ask_carry(end_of(end)->peer);
}

size_t pair_sent_bytes(const struct pair *pair, const struct conn *end)
{
    return end == &pair->a.conn ? pair->a.sent_bytes : pair->b.sent_bytes;
}
