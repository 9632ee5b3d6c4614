/* Listening sockets: opened by main while a commit prepares, served by one loop each.
 *
 *   listener_probe (foreign clash?) -> listener_open once per loop -> [on the loop] listener_start
 *   -> on_accept* -> listener_stop: takes what the kernel has queued, closes -> on_stopped
 *
 * Each loop has its own socket on the same address (SO_REUSEPORT); the kernel deals connections. An
 * open socket listens already, so that nothing that may fail is left for after the commit; what it
 * is dealt waits for listener_start, or is reset if the commit is undone. When descriptors run out,
 * a reserve descriptor is given up to take and drop the connection, so that the kernel's queue does
 * not spin. */
#ifndef POSTERN_NET_LISTENER_H
#define POSTERN_NET_LISTENER_H

#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

struct conn;
struct listener;
struct loop;

/* Binds without SO_REUSEPORT and lets go again: ERR_EXISTS naming address:port when another process
 * listens there, ERR_IO when the address is not ours. Any thread. Skip it where a socket of our own
 * overlaps (127.0.0.1 -> 0.0.0.0). */
int listener_probe(const struct ip *ip, uint16_t port, struct error *reterr) MUST_CHECK;
/* A socket for one loop, which listens. Any thread.
 * ERR_EXISTS: another process has the port; ERR_IO, ERR_FULL. */
int listener_open(const struct ip *ip, uint16_t port, int *ret_fd, struct error *reterr) MUST_CHECK;

enum { LISTENER_BACKLOG = 1024 };

struct listener_handler {
    /* A connection that is up; the handler calls conn_set_handler before it returns. */
    void (*on_accept)(void *ctx, struct conn *conn);
    /* A connection was dropped or accepting failed: errno and a line for the log. Accepting goes
     * on. */
    void (*on_error)(void *ctx, int errnum, const char *text);
    /* After listener_stop: the listener is gone. */
    void (*on_stopped)(void *ctx);
};

/* On the loop's thread: accepts on FD and owns it, also on failure. */
int listener_start(struct loop *loop, int fd, const struct listener_handler *handler, void *ctx,
                   struct listener **ret_listener, struct error *reterr) MUST_CHECK;
/* Accepts until EAGAIN, closes; on_stopped comes in a later turn. The on_accept calls for what is
 * still queued come in that later turn too. */
void listener_stop(struct listener *listener);

#endif
