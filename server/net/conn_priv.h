/* Between net/conn.c and a transport (net/tcp.c, tests/lib/pair.c): what a connection is made of
 * and what each may call of the other.
 *
 *   transport -> conn_transport_*      bytes, end, failure, sent, closed; always from the loop,
 * never from inside a call of conn.c into the transport conn.c    -> struct conn_transport send,
 * reading, shutdown, close, release
 *
 * struct conn is embedded in the transport's object, which `release` frees. */
#ifndef POSTERN_NET_CONN_PRIV_H
#define POSTERN_NET_CONN_PRIV_H

#include "base/buf.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls_priv.h"

enum {
    CONN_LINGER_MS =
        1000, /* after our FIN: input is drained so that no reset eats our last reply */
    CONN_REFUSE_MS = 5000, /* for the alert of a failed handshake to leave */
};

struct conn_transport {
    /* Something is in conn->wire_out: send it, in order; conn_transport_sent for each part that
     * left, in a later turn or at once. Called again while sending is fine. */
    void (*send)(struct conn *conn);
    void (*set_reading)(struct conn *conn, bool wants);
    /* Everything was sent: say FIN. */
    void (*shutdown)(struct conn *conn);
    /* Ends it now; conn_transport_closed in a later turn, and no other call before or after. */
    void (*close)(struct conn *conn);
    /* Frees the object that holds CONN. */
    void (*release)(struct conn *conn);
};

enum conn_state {
    CONN_STATE_CONNECTING, /* no bytes yet */
    CONN_STATE_OPEN,       /* both ways */
    CONN_STATE_FLUSHING,   /* conn_close: output leaves, input is dropped */
    CONN_STATE_LINGERING,  /* FIN is out: waits for the peer's, a second at most */
    CONN_STATE_CLOSING,    /* the transport was told to close */
};

struct conn {
    const struct conn_transport *transport;
    struct loop *loop;
    const struct conn_handler *handler;
    void *user;
    struct ip local_ip, remote_ip;
    uint16_t local_port, remote_port;

    enum conn_state state;
    bool is_paused;
    bool is_reading;        /* what the transport was told last */
    bool has_transport_eof; /* the peer's FIN came */
    bool is_eof_due;        /* plain text has ended: on_eof when all was offered */
    bool is_eof_told;
    bool has_fresh_input; /* `input` grew or was released since it was offered */
    bool is_tls_starting; /* conn_start_tls_x was called, its turn has not come */
    bool is_handshaking;  /* until on_tls */
    bool is_bye_said;
    bool was_high;   /* output was above CONN_OUTPUT_LOW_BYTES since on_drained */
    bool had_output; /* output was more than nothing since on_drained */
    bool has_end;
    struct conn_end end; /* the first cause */

    struct buf input;     /* plain text the user has not taken */
    struct buf wire_in;   /* under TLS: from the wire, not yet decrypted */
    struct buf plain_out; /* under TLS: not yet encrypted */
    struct buf wire_out;  /* for the transport */
    size_t in_flight;     /* taken out of wire_out by the transport, not yet sent */

    struct tls_session *tls;
    struct letter turn;
    struct loop_step handshake;
    struct loop_timer linger;
};

/* STATE is CONNECTING or OPEN. */
void conn_init(struct conn *conn, const struct conn_transport *transport, struct loop *loop,
               enum conn_state state);
/* --- the transport tells --- */
void conn_transport_connected(struct conn *conn);
/* How many bytes it may read now; 0: stop reading. */
size_t conn_transport_room(const struct conn *conn);
void conn_transport_received(struct conn *conn, struct slice bytes);
void conn_transport_eof(struct conn *conn);
/* COUNT bytes of in_flight left; the transport has lowered in_flight already. */
void conn_transport_sent(struct conn *conn);
/* It broke: ERRNUM positive; the connection closes. */
void conn_transport_failed(struct conn *conn, enum conn_cause cause, int errnum, const char *text);
/* The last call: tells the user, frees. */
void conn_transport_closed(struct conn *conn);

#endif
