/* Listening sockets. See listener.h.
 *
 * The socket is ours (libuv 1.44 has no SO_REUSEPORT); uv_poll says when connections wait and
 * accept4 takes at most LISTENER_ACCEPT_BURST of them in a turn, so that a flood of connections
 * does not hold up the sessions: the poll is level-triggered, the rest comes in the next turn.
 *
 * Out of descriptors, accept fails and the connection stays in the kernel's queue, so the poll
 * would spin. A reserve descriptor is closed, the connection taken with it and dropped, the reserve
 * opened again. Without a reserve the poll pauses for LISTENER_PAUSE_MS.
 *
 * Owner thread: the loop's, but for probe and open. */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tcp_bind.h"
#include "net/conn.h"
#include "net/loop_priv.h"
#include "net/tcp.h"

enum { LISTENER_ACCEPT_BURST = 16, LISTENER_STOP_BURST = 4096, LISTENER_PAUSE_MS = 100 };

struct listener {
    struct loop *loop;
    int fd;
    int reserve_fd; /* -1: none at the moment */
    uv_poll_t poll;
    const struct listener_handler *handler;
    void *ctx;
    struct letter stop;
    struct loop_timer pause;
    bool is_stopping;
};

/* --- any thread --- */

int listener_probe(const struct ip *ip, uint16_t port, struct error *reterr)
{
    int fd = -1;
    int r = tcp_bind(ip, port, false, 0, &fd, reterr);
    if (r < 0)
        return r;
    (void)close(fd); /* it only was a question */
    return 0;
}

int listener_open(const struct ip *ip, uint16_t port, int *ret_fd, struct error *reterr)
{
    return tcp_bind(ip, port, true, LISTENER_BACKLOG, ret_fd, reterr);
}

/* --- accepting --- */

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void tell_error(struct listener *listener, int errnum, const char *text)
{
    if (listener->handler->on_error != NULL)
        listener->handler->on_error(listener->ctx, errnum, text);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void pause_over(struct loop_timer *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    if (listener->reserve_fd < 0)
        listener->reserve_fd = open_reserve();
    if (!listener->is_stopping)
        (void)uv_poll_start(&listener->poll, UV_READABLE, on_poll); /* it ran before */
}

/* No descriptor left: takes one connection with the reserve and drops it. */
static void shed_one(struct listener *listener, int errnum)
{
    tell_error(listener, errnum, "no file descriptor left, a connection was dropped");
    if (listener->reserve_fd >= 0) {
        (void)close(listener->reserve_fd); /* /dev/null */
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            (void)close(fd); /* dropped: that is the point */
        listener->reserve_fd = open_reserve();
    }
    if (listener->reserve_fd < 0) {
        (void)uv_poll_stop(&listener->poll); /* always 0 */
        loop_timer_start_after(&listener->pause, LISTENER_PAUSE_MS);
    }
}

/* False when nothing more can be accepted now. */
static bool accept_one(struct listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int errnum = errno;
        if (errnum == EAGAIN || errnum == EWOULDBLOCK)
            return false;
        if (errnum == EMFILE || errnum == ENFILE) {
            shed_one(listener, errnum);
            return false;
        }
        /* EINTR and the errors of a connection that died in the queue: the next one may be fine. */
        if (errnum != EINTR && errnum != ECONNABORTED)
            tell_error(listener, errnum, strerror(errnum));
        return errnum != EBADF && errnum != EINVAL && errnum != ENOBUFS && errnum != ENOMEM;
    }
    struct error error = {0};
    struct conn *conn = tcp_adopt(listener->loop, fd, &error);
    if (conn == NULL) {
        tell_error(listener, EIO, error.text);
        return true;
    }
    listener->handler->on_accept(listener->ctx, conn);
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)events; /* only readable was asked for; accept says what is wrong with the socket */
    (void)status;
    for (int i = 0; i < LISTENER_ACCEPT_BURST && !listener->is_stopping; i++) {
        if (!accept_one(listener))
            break;
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    (void)close(listener->fd); /* nothing can be done about an error here */
    if (listener->reserve_fd >= 0)
        (void)close(listener->reserve_fd);
    if (listener->handler->on_stopped != NULL)
        listener->handler->on_stopped(listener->ctx);
    free(listener);
}

/* Takes what the kernel has completed: those clients saw a connection and would see a reset. */
static void run_stop(struct letter *letter)
{
    struct listener *listener = CONTAINER_OF(letter, struct listener, stop);
    for (int i = 0; i < LISTENER_STOP_BURST; i++) { /* a flood must not keep it open for ever */
        if (!accept_one(listener))
            break;
    }
    loop_timer_stop(&listener->pause);
    uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
}

int listener_start(struct loop *loop, int fd, const struct listener_handler *handler, void *ctx,
                   struct listener **ret_listener, struct error *reterr)
{
    struct listener *listener = MEM_NEW(struct listener);
    int r = uv_poll_init(loop_uv_of(loop), &listener->poll, fd);
    if (r < 0) {
        (void)close(fd); /* the error that counts is R */
        free(listener);
        return error_set(reterr, ERR_IO, "cannot watch a listening socket: %s", uv_strerror(r));
    }
    listener->loop = loop;
    listener->fd = fd;
    listener->reserve_fd = open_reserve();
    listener->handler = handler;
    listener->ctx = ctx;
    listener->poll.data = listener;
    listener->stop.run = run_stop;
    loop_timer_init(&listener->pause, loop, pause_over);
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_poll); /* just made: cannot fail */
    *ret_listener = listener;
    return 0;
}

void listener_stop(struct listener *listener)
{
    if (listener->is_stopping)
        return;
    listener->is_stopping = true;
    (void)uv_poll_stop(&listener->poll); /* always 0 */
    loop_defer(listener->loop, &listener->stop);
}
