/* A connection as the engine sees it, whatever carries it: net/tcp.c in the daemon,
 * tests/lib/pair.c in tests.
 *
 * Bytes come by on_data and go by conn_write; TLS is switched on in the middle and is then
 * invisible.
 *
 *   tcp_connect -> on_connected --.                              .- peer's FIN -> on_eof ->
 * conn_close listener (connected) ----------+-> on_data*, on_drained* ----+ |   conn_start_tls_x ->
 * on_tls +- conn_close: flush, then close any failure
 * ---------------------------------------------------> on_closed, the conn is gone
 *
 * Rules that every transport keeps:
 * - No callback is made inside a call of the user's into this file: it comes in a later turn.
 * - on_closed is the last callback, exactly one, also after conn_abort; when it returns the conn is
 *   freed. Until then the pointer is good and every call on it is allowed (and does nothing).
 * - Closing is two steps: conn_close or conn_abort asks, on_closed tells.
 * - At most about LIMIT_SESSION_INPUT bytes are read ahead of the user.
 * - After the peer's close_notify or a fatal TLS error nothing is read any more, plain text least
 * of all.
 *
 * Owner thread: that of its loop. The user owns its own object and frees it in on_closed. */
#ifndef POSTERN_NET_CONN_H
#define POSTERN_NET_CONN_H

#include <stdint.h>

#include "base/ip.h"
#include "base/slice.h"
#include "net/tls.h"

struct conn;
struct loop;

enum {
    CONN_OUTPUT_LOW_BYTES = 65536, /* on_drained comes when output has fallen to this */
    CONN_OUTPUT_CAP_BYTES =
        8388608, /* output beyond this ends the connection: the user did not look */
    CONN_END_TEXT_MAX = 256,
};

enum conn_cause {
    CONN_CAUSE_LOCAL,   /* we closed it: conn_close or conn_abort, nothing else happened before */
    CONN_CAUSE_PEER,    /* the peer closed it in order (FIN) */
    CONN_CAUSE_LOST,    /* reset, broken pipe, time-out in the network: errnum says which */
    CONN_CAUSE_CONNECT, /* it never came up: refused, unreachable, no address: errnum says which */
    CONN_CAUSE_CONNECT_TIMEOUT, /* no answer within the time given */
    CONN_CAUSE_TLS,             /* handshake failed (on_tls told) or a fatal error in the session */
    CONN_CAUSE_OUTPUT,          /* CONN_OUTPUT_CAP_BYTES was passed */
};

struct conn_end {
    enum conn_cause cause;
    int errnum;                   /* errno, 0 when there is none */
    char text[CONN_END_TEXT_MAX]; /* one line in words, for a log */
};

/* Any member may be NULL. */
struct conn_handler {
    /* An outgoing connection is up. */
    void (*on_connected)(struct conn *conn);
    /* Bytes have come. Returns how many were taken (0..bytes.len); the rest is offered again, with
     * what follows it, when more bytes come or after conn_resume. */
    size_t (*on_data)(struct conn *conn, struct slice bytes);
    /* The peer sends no more, and every byte before was taken. What we write still goes out. NULL:
     * conn_close. */
    void (*on_eof)(struct conn *conn);
    /* Output fell to CONN_OUTPUT_LOW_BYTES or less after it was above, or to nothing. */
    void (*on_drained)(struct conn *conn);
    /* A handshake ended. After a failure the connection closes by itself. */
    void (*on_tls)(struct conn *conn, const struct tls_result *result);
    /* Over. END is valid during the call. */
    void (*on_closed)(struct conn *conn, const struct conn_end *end);
};

/* Whoever is handed a new connection calls this first. HANDLER must outlive the connection. */
void conn_set_handler(struct conn *conn, const struct conn_handler *handler, void *user);
void *conn_user(const struct conn *conn);
struct loop *conn_loop(const struct conn *conn);

/* Copies BYTES behind what waits; sent at the end of this iteration, gathered. Discarded on a
 * connection that closes and between conn_start_tls_x and on_tls. */
void conn_write(struct conn *conn, struct slice bytes);
/* Bytes written but not yet given to the kernel: the back-pressure to look at. */
size_t conn_output_bytes(const struct conn *conn);
/* Bytes that came and were not taken by on_data. */
size_t conn_input_bytes(const struct conn *conn);

/* No on_data, on_eof until conn_resume; a reset is still noticed. Nests not: one resume undoes any
 * number of pauses. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* Handshake as the server, after all output so far. Takes its own reference of SERVER. Bytes that
 * came and were not taken fail the handshake (RFC 3207 4.2: they were sent before it). Also resumes
 * reading. */
void conn_start_tls_server(struct conn *conn, struct tls_server *server);
/* Handshake as the client. SNI may be NULL; REFERENCES are copied and tried in order. */
void conn_start_tls_client(struct conn *conn, struct tls_client *client, const char *sni,
                           const struct tls_reference *references, size_t reference_count);
bool conn_is_tls(const struct conn *conn);

/* Sends what was written, says close_notify under TLS, closes. The peer may stall it for ever: the
 * user's deadline calls conn_abort. */
void conn_close(struct conn *conn);
/* Closes now; output that waits is dropped. */
void conn_abort(struct conn *conn);

const struct ip *conn_local_ip(const struct conn *conn);
uint16_t conn_local_port(const struct conn *conn);
const struct ip *conn_remote_ip(const struct conn *conn);
uint16_t conn_remote_port(const struct conn *conn);

#endif
