/* Connections over TCP (libuv). What they do is in net/conn.h. TCP_NODELAY is on: replies are small
 * and already gathered. Owner thread: the loop's; LOOP must be one of loop_create. */
#ifndef POSTERN_NET_TCP_H
#define POSTERN_NET_TCP_H

#include "net/conn.h"

struct tcp_target {
    struct ip ip;
    uint16_t port;
    struct ip source;    /* family 0: the system chooses */
    uint32_t timeout_ms; /* until on_connected; 0: LIMIT_SMTP_CONNECT_MS */
};

/* Always gives a connection; on_connected or on_closed (CONN_CAUSE_CONNECT...) follows later. */
struct conn *tcp_connect(struct loop *loop, const struct tcp_target *target,
                         const struct conn_handler *handler, void *user);
/* Makes a connection of a connected socket and owns it, also on failure. NULL with the cause in
 * reterr when the socket is no good. The caller sets the handler before it returns to the loop. */
struct conn *tcp_adopt(struct loop *loop, int fd, struct error *reterr);

#endif
