/* A TCP socket bound to an address of ours: SMTP's listeners and HTTP's begin alike. */
#ifndef POSTERN_BASE_TCP_BIND_H
#define POSTERN_BASE_TCP_BIND_H

#include "base/err.h"
#include "base/ip.h"

/* Non-blocking, closed on exec; IPv6 only for IPv6 (IPv4 has a socket of its own). IS_SHARED:
 * further sockets of ours may be bound to the same place. BACKLOG 0: it does not listen yet.
 * ERR_EXISTS: another process has the port; ERR_IO, ERR_FULL. Each text names address and port. */
int tcp_bind(const struct ip *ip, uint16_t port, bool is_shared, int backlog, int *ret_fd,
             struct error *reterr) MUST_CHECK;

#endif
