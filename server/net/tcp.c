/* The libuv transport of a connection. See tcp.h and conn_priv.h.
 *
 * Output: what fits is written at once (uv_try_write); the rest moves into `sending` and one
 * uv_write is under way at a time, while new output gathers in wire_out. Input: one scratch buffer
 * a loop, so an idle connection holds no read buffer.
 *
 * Closing: uv_close is the end; libuv calls back pending writes and connects with UV_ECANCELED
 * before on_close, so the object is freed there and only there.
 *
 * A connect with a source address binds an own socket first; a connect time-out is a loop_timer. */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "net/conn_priv.h"
#include "net/loop_priv.h"

struct tcp {
    struct conn conn;
    uv_tcp_t handle;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf sending; /* under way in `write` */
    struct loop_timer timeout;
    struct letter failure; /* a connect that failed at once, told in a later turn */
    int failure_errno;
};

static struct tcp *tcp_of(struct conn *conn)
{
    return CONTAINER_OF(conn, struct tcp, conn);
}

/* libuv's errors are negative errnos on Linux, but for its own: EOF and a few about names. */
static int errno_of(ssize_t uv_error)
{
    return uv_error > -4000 ? (int)-uv_error : EIO;
}

static void lost(struct tcp *tcp, ssize_t uv_error)
{
    conn_transport_failed(&tcp->conn, CONN_CAUSE_LOST, errno_of(uv_error),
                          strerror(errno_of(uv_error)));
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct tcp *tcp = handle->data;
    (void)suggested;
    size_t room = conn_transport_room(&tcp->conn);
    if (room > LOOP_SCRATCH_BYTES)
        room = LOOP_SCRATCH_BYTES;
    *buf = uv_buf_init(loop_scratch(tcp->conn.loop), (unsigned)room); /* 0 gives UV_ENOBUFS */
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct tcp *tcp = stream->data;
    if (count > 0)
        conn_transport_received(&tcp->conn, slice_of(buf->base, (size_t)count));
    else if (count == UV_EOF)
        conn_transport_eof(&tcp->conn);
    else if (count < 0 && count != UV_ENOBUFS) /* ENOBUFS: no room now, reading is switched off */
        lost(tcp, count);
}

static void tcp_set_reading(struct conn *conn, bool wants)
{
    uv_stream_t *stream = (uv_stream_t *)&tcp_of(conn)->handle;
    if (wants)
        (void)uv_read_start(stream, on_alloc, on_read); /* fails only on a closing handle */
    else
        (void)uv_read_stop(stream); /* always 0 */
}

/* --- writing --- */

static void write_rest(struct tcp *tcp);

static void on_write(uv_write_t *request, int status)
{
    struct tcp *tcp = request->data;
    tcp->conn.in_flight = 0;
    buf_clear(&tcp->sending, 0);
    if (status == UV_ECANCELED)
        return; /* closing */
    if (status < 0) {
        lost(tcp, status);
        return;
    }
    conn_transport_sent(&tcp->conn);
    if (buf_len(&tcp->conn.wire_out) > 0)
        write_rest(tcp);
}

static void write_rest(struct tcp *tcp)
{
    struct buf moved = tcp->sending;
    tcp->sending = tcp->conn.wire_out;
    tcp->conn.wire_out = moved;
    struct slice bytes = buf_slice(&tcp->sending);
    tcp->conn.in_flight = bytes.len;
    uv_buf_t part = uv_buf_init((char *)(size_t)bytes.p, (unsigned)bytes.len);
    tcp->write.data = tcp;
    int r = uv_write(&tcp->write, (uv_stream_t *)&tcp->handle, &part, 1, on_write);
    if (r < 0) {
        tcp->conn.in_flight = 0;
        buf_clear(&tcp->sending, 0);
        lost(tcp, r);
    }
}

static void tcp_send(struct conn *conn)
{
    struct tcp *tcp = tcp_of(conn);
    if (conn->in_flight > 0)
        return; /* on_write goes on */
    struct slice bytes = buf_slice(&conn->wire_out);
    uv_buf_t part = uv_buf_init((char *)(size_t)bytes.p, (unsigned)bytes.len);
    int r = uv_try_write((uv_stream_t *)&tcp->handle, &part, 1);
    if (r < 0 && r != UV_EAGAIN) {
        lost(tcp, r);
        return;
    }
    if (r > 0)
        buf_consume(&conn->wire_out, (size_t)r);
    if (buf_len(&conn->wire_out) > 0) {
        write_rest(tcp);
    } else {
        buf_clear(&conn->wire_out, 0); /* an idle connection holds no buffer */
    }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    (void)request;
    (void)status; /* the linger timer ends it, however this went */
}

static void tcp_shutdown(struct conn *conn)
{
    struct tcp *tcp = tcp_of(conn);
    (void)uv_shutdown(&tcp->shutdown, (uv_stream_t *)&tcp->handle, on_shutdown); /* as above */
}

/* --- life --- */

static void on_close(uv_handle_t *handle)
{
    struct tcp *tcp = handle->data;
    conn_transport_closed(&tcp->conn);
}

static void tcp_close(struct conn *conn)
{
    struct tcp *tcp = tcp_of(conn);
    loop_timer_stop(&tcp->timeout);
    loop_undefer(&tcp->failure);
    uv_close((uv_handle_t *)&tcp->handle, on_close);
}

static void tcp_release(struct conn *conn)
{
    struct tcp *tcp = tcp_of(conn);
    buf_finish(&tcp->sending);
    free(tcp);
}

static const struct conn_transport tcp_transport = {
    .send = tcp_send,
    .set_reading = tcp_set_reading,
    .shutdown = tcp_shutdown,
    .close = tcp_close,
    .release = tcp_release,
};

static void connect_timed_out(struct loop_timer *timer)
{
    struct tcp *tcp = CONTAINER_OF(timer, struct tcp, timeout);
    conn_transport_failed(&tcp->conn, CONN_CAUSE_CONNECT_TIMEOUT, ETIMEDOUT,
                          "connection timed out");
}

static void connect_failed(struct letter *letter)
{
    struct tcp *tcp = CONTAINER_OF(letter, struct tcp, failure);
    conn_transport_failed(&tcp->conn, CONN_CAUSE_CONNECT, tcp->failure_errno,
                          strerror(tcp->failure_errno));
}

static struct tcp *tcp_new(struct loop *loop, enum conn_state state)
{
    struct tcp *tcp = MEM_NEW(struct tcp);
    buf_init(&tcp->sending, 0);
    (void)uv_tcp_init(loop_uv_of(loop), &tcp->handle); /* no socket yet: cannot fail */
    tcp->handle.data = tcp;
    tcp->connect.data = tcp;
    tcp->failure.run = connect_failed;
    loop_timer_init(&tcp->timeout, loop, connect_timed_out);
    conn_init(&tcp->conn, &tcp_transport, loop, state);
    return tcp;
}

static void set_local_name(struct tcp *tcp)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);
    if (uv_tcp_getsockname(&tcp->handle, (struct sockaddr *)&addr, &len) == 0)
        (void)ip_from_sockaddr((struct sockaddr *)&addr, &tcp->conn.local_ip,
                               &tcp->conn.local_port);
}

static void set_names(struct tcp *tcp)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);
    struct conn *conn = &tcp->conn;
    set_local_name(tcp);
    if (uv_tcp_getpeername(&tcp->handle, (struct sockaddr *)&addr, &len) == 0)
        (void)ip_from_sockaddr((struct sockaddr *)&addr, &conn->remote_ip, &conn->remote_port);
}

struct conn *tcp_adopt(struct loop *loop, int fd, struct error *reterr)
{
    struct tcp *tcp = tcp_new(loop, CONN_STATE_OPEN);
    int r = uv_tcp_open(&tcp->handle, fd);
    if (r < 0) {
        (void)close(fd); /* it is of no use */
        static const struct conn_handler nobody;
        tcp->conn.handler = &nobody;
        (void)error_set(reterr, ERR_IO, "cannot use a new connection: %s", uv_strerror(r));
        conn_abort(&tcp->conn);
        return NULL;
    }
    (void)uv_tcp_nodelay(&tcp->handle, 1); /* slower without, not wrong */
    set_names(tcp);
    return &tcp->conn;
}

static int bind_source(struct tcp *tcp, const struct ip *source)
{
    if (source->family == 0)
        return 0;
    struct sockaddr_storage addr;
    (void)ip_to_sockaddr(source, 0, &addr);
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Without this option bind() takes a port for good and two destinations cannot share it. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)); /* old kernels */
    socklen_t len = source->family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int r = bind(fd, (struct sockaddr *)&addr, len) < 0 ? -errno : 0;
    if (r == 0)
        r = uv_tcp_open(&tcp->handle, fd);
    if (r < 0)
        (void)close(fd); /* the error that counts is R */
    return r;
}

static void on_connect(uv_connect_t *request, int status)
{
    struct tcp *tcp = request->data;
    if (status == UV_ECANCELED)
        return; /* closing */
    loop_timer_stop(&tcp->timeout);
    if (status < 0) {
        conn_transport_failed(&tcp->conn, CONN_CAUSE_CONNECT, errno_of(status),
                              strerror(errno_of(status)));
        return;
    }
    (void)uv_tcp_nodelay(&tcp->handle, 1); /* slower without, not wrong */
    set_names(tcp);
    conn_transport_connected(&tcp->conn);
}

struct conn *tcp_connect(struct loop *loop, const struct tcp_target *target,
                         const struct conn_handler *handler, void *user)
{
    struct tcp *tcp = tcp_new(loop, CONN_STATE_CONNECTING);
    conn_set_handler(&tcp->conn, handler, user);
    tcp->conn.remote_ip = target->ip;
    tcp->conn.remote_port = target->port;
    tcp->conn.local_ip = target->source;
    struct sockaddr_storage addr;
    (void)ip_to_sockaddr(&target->ip, target->port, &addr);
    int r = bind_source(tcp, &target->source);
    if (r == 0)
        r = uv_tcp_connect(&tcp->connect, &tcp->handle, (struct sockaddr *)&addr, on_connect);
    if (r < 0) {
        tcp->failure_errno = errno_of(r);
        loop_defer(loop, &tcp->failure);
    } else {
        set_local_name(tcp); /* the system has chosen: known also when nobody answers */
        loop_timer_start_after(&tcp->timeout, target->timeout_ms == 0 ? LIMIT_SMTP_CONNECT_MS
                                                                      : target->timeout_ms);
    }
    return &tcp->conn;
}
