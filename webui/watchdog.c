/* The thread that lets connections in and sees them out. See http_priv.h.
 *
 * libmicrohttpd's own timeout starts again with every byte, so a client that sends one now and then
 * stays for ever. Here every connection has one absolute deadline for what it is doing: reaching
 * the end of the headers (the TLS handshake included), sending a body, taking a reply, thinking of
 * the next request. Past it the socket is shut down, which libmicrohttpd sees as a peer that went
 * away. A request in the app's hands has no deadline. A connection that has reached its age is told
 * so with its next reply: shutting it down could cut off a request that is on its way.
 *
 * When a cap is reached, the oldest connection that has not brought a request yet makes room, then
 * the oldest that waits for its next one; if all are busy, the newcomer is closed. So slow clients
 * push out one another first.
 *
 * libmicrohttpd must never reach a limit of its own: 0.9.75 then keeps its mutex locked. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/log.h"
#include "pki/served.h"
#include "webui/feed.h"
#include "webui/http_priv.h"

enum {
    WATCHDOG_TICK_MS = 50,   /* how late a deadline may be noticed */
    WATCHDOG_PAUSE_MS = 100, /* when descriptors have run out */
    WATCHDOG_EVENTS = 16,
    WATCHDOG_ACCEPTS = 64, /* of one listener in a row */
};

static uint64_t now_ms(const struct http *http)
{
    return clock_mono_ms(http->settings.clock);
}

static struct http_conn *conn_of(struct list *node)
{
    return CONTAINER_OF(node, struct http_conn, node);
}

static void conn_destroy(struct http_conn *conn)
{
    served_unref(conn->served);
    free(conn);
}

/* All with the mutex held from here. */

static void doom(struct http_conn *conn)
{
    if (conn->is_doomed)
        return;
    conn->is_doomed = true;
    if (conn->is_started)
        (void)shutdown(conn->fd, SHUT_RDWR); /* an error means that it is down already */
}

static bool is_same_group(const struct http_conn *a, const struct http_conn *b, bool is_address)
{
    if ((a->kind == HTTP_KIND_LOCAL) != (b->kind == HTTP_KIND_LOCAL))
        return false;
    return !is_address || a->kind == HTTP_KIND_LOCAL || ip_eq(&a->address, &b->address);
}

/* Whether there may be one more like CONN, after somebody was sent away if need be. */
static bool make_room(struct http *http, const struct http_conn *conn, bool is_address, size_t max)
{
    struct http_conn *silent = NULL, *waiting = NULL;
    size_t count = 0;

    LIST_FOREACH(it, next, &http->conns)
    {
        struct http_conn *other = conn_of(it);
        if (other->is_doomed || !is_same_group(conn, other, is_address))
            continue;
        count++;
        if (silent == NULL && other->is_new)
            silent = other;
        if (waiting == NULL && other->is_waiting)
            waiting = other;
    }
    if (count < max)
        return true;
    struct http_conn *leaver = silent != NULL ? silent : waiting;
    if (leaver == NULL)
        return false;
    http->counters.pushed_out++;
    doom(leaver);
    return true;
}

static bool is_welcome(struct http *http, const struct http_conn *conn)
{
    const struct http_settings *settings = &http->settings;

    if (http->is_closing ||
        http->conn_count >= settings->connections_max + HTTP_LOCAL_MAX + HTTP_OVERSHOOT_MAX)
        return false;
    if (conn->kind == HTTP_KIND_LOCAL)
        return make_room(http, conn, true, HTTP_LOCAL_MAX);
    return make_room(http, conn, true, settings->per_address_max) &&
           make_room(http, conn, false, settings->connections_max);
}

static struct http_listener *find_listener(struct http *http, uint64_t id)
{
    LIST_FOREACH(it, next, &http->listeners)
    {
        struct http_listener *listener = CONTAINER_OF(it, struct http_listener, node);
        if (listener->id == id)
            return listener;
    }
    return NULL;
}

static void describe_peer(struct http_conn *conn, const struct sockaddr_storage *peer)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (conn->kind != HTTP_KIND_LOCAL) {
        (void)ip_from_sockaddr((const struct sockaddr *)peer, &conn->address, NULL); /* family 0 */
        return;
    }
    conn->uid = UINT32_MAX; /* nobody */
    if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        conn->uid = cred.uid;
}

/* The next connection of the listener; NULL with -errno when there is none, 0 when it was refused.
 */
static struct http_conn *take(struct http *http, struct http_listener *listener,
                              struct sockaddr_storage *peer, socklen_t *len, int *ret_error)
{
    int fd = accept4(listener->fd, (struct sockaddr *)peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    *ret_error = fd < 0 ? -errno : 0;
    if (fd < 0)
        return NULL;
    struct http_conn *conn = MEM_NEW(struct http_conn);
    conn->http = http;
    conn->kind = listener->kind;
    conn->fd = fd;
    conn->https_port = listener->https_port;
    conn->is_waiting = conn->is_new = true;
    conn->deadline_ms = now_ms(http) + http->settings.head_ms;
    conn->end_ms = now_ms(http) + http->settings.age_ms;
    describe_peer(conn, peer);
    if (!is_welcome(http, conn)) {
        (void)close(fd); /* nothing was written */
        http->counters.refused++;
        free(conn);
        return NULL;
    }
    if (listener->served != NULL)
        conn->served = served_ref(listener->served);
    http->counters.accepted++;
    list_append(&http->conns, &conn->node);
    http->conn_count++;
    return conn;
}

static void forget(struct http *http, struct http_conn *conn)
{
    list_remove(&conn->node);
    http->conn_count--;
}

static void end_late(struct http *http)
{
    uint64_t now = now_ms(http);

    LIST_FOREACH(it, next, &http->conns)
    {
        struct http_conn *conn = conn_of(it);
        if (conn->is_doomed || conn->deadline_ms == 0 || conn->deadline_ms > now)
            continue;
        http->counters.late++;
        doom(conn);
    }
}

/* Without the mutex from here. */

/* False when there is nothing more to accept now. */
static bool accept_one(struct http *http, uint64_t listener_id, int *ret_error)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);

    (void)pthread_mutex_lock(&http->mutex);
    struct http_listener *listener = find_listener(http, listener_id);
    if (listener == NULL || http->is_closing) {
        (void)pthread_mutex_unlock(&http->mutex);
        return false;
    }
    struct http_conn *conn = take(http, listener, &peer, &len, ret_error);
    (void)pthread_mutex_unlock(&http->mutex);
    if (conn == NULL)
        return *ret_error == 0 || *ret_error == -EINTR || *ret_error == -ECONNABORTED;

    struct MHD_Daemon *daemon = conn->kind == HTTP_KIND_TLS ? http->tls : http->plain;
    int fd = conn->fd; /* CONN may end while it is being added */
    if (MHD_add_connection(daemon, fd, (struct sockaddr *)&peer, len) != MHD_YES) {
        struct http_conn *lost = http_conn_started(http, fd);
        if (lost != NULL)
            http_conn_closed(lost);
    }
    return true;
}

static void accept_all(struct http *http, uint64_t listener_id)
{
    int error = 0;

    for (int i = 0; i < WATCHDOG_ACCEPTS; i++) {
        if (!accept_one(http, listener_id, &error))
            break;
    }
    if (error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM) {
        log_warning("cannot accept an HTTP connection: %s, trying again", strerror(-error));
        (void)poll(NULL, 0,
                   WATCHDOG_PAUSE_MS); /* or the waiting connection would spin this thread */
    }
}

static void *watch(void *arg)
{
    struct http *http = arg;
    struct epoll_event events[WATCHDOG_EVENTS];

    for (;;) {
        (void)pthread_mutex_lock(&http->mutex);
        end_late(http);
        bool is_idle = list_is_empty(&http->conns), is_ending = http->is_watched_out;
        (void)pthread_mutex_unlock(&http->mutex);
        if (is_ending)
            return NULL;
        feed_ring_tick(http->ring);
        int count =
            epoll_wait(http->epoll_fd, events, WATCHDOG_EVENTS, is_idle ? -1 : WATCHDOG_TICK_MS);
        for (int i = 0; i < count; i++) {
            uint64_t ticks;
            if (events[i].data.u64 != 0)
                accept_all(http, events[i].data.u64);
            else
                (void)!read(http->wake_fd, &ticks, sizeof(ticks)); /* empty is fine too */
        }
    }
}

int http_watchdog_start(struct http *http, struct error *reterr)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};

    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (http->epoll_fd < 0 || http->wake_fd < 0 ||
        epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->wake_fd, &event) < 0)
        return error_set_errno(reterr, errno, "cannot watch over HTTP connections");
    int r = pthread_create(&http->watchdog, NULL, watch, http);
    if (r != 0)
        return error_set_errno(reterr, r, "cannot start the thread for HTTP connections");
    http->has_watchdog = true;
    return 0;
}

void http_watchdog_wake(struct http *http)
{
    uint64_t one = 1;
    (void)!write(http->wake_fd, &one, sizeof(one)); /* full means that it is awake */
}

void http_watchdog_stop(struct http *http)
{
    if (!http->has_watchdog)
        return;
    (void)pthread_mutex_lock(&http->mutex);
    http->is_watched_out = true;
    (void)pthread_mutex_unlock(&http->mutex);
    http_watchdog_wake(http);
    (void)pthread_join(http->watchdog, NULL);
    http->has_watchdog = false;
}

struct http_conn *http_conn_started(struct http *http, int fd)
{
    struct http_conn *found = NULL;

    (void)pthread_mutex_lock(&http->mutex);
    LIST_FOREACH(it, next, &http->conns)
    {
        if (conn_of(it)->fd == fd && !conn_of(it)->is_started)
            found = conn_of(it);
    }
    if (found != NULL) {
        found->is_started = true;
        if (found->is_doomed)
            (void)shutdown(fd, SHUT_RDWR); /* as in doom */
    }
    (void)pthread_mutex_unlock(&http->mutex);
    return found;
}

void http_conn_closed(struct http_conn *conn)
{
    struct http *http = conn->http;

    (void)pthread_mutex_lock(&http->mutex);
    forget(http, conn);
    (void)pthread_mutex_unlock(&http->mutex);
    conn_destroy(conn);
}

void http_conn_deadline(struct http_conn *conn, uint64_t after_ms, bool is_waiting)
{
    struct http *http = conn->http;

    (void)pthread_mutex_lock(&http->mutex);
    conn->deadline_ms = after_ms == 0 ? 0 : now_ms(http) + after_ms;
    conn->is_waiting = is_waiting;
    conn->is_new = conn->is_new && is_waiting;
    (void)pthread_mutex_unlock(&http->mutex);
}

bool http_conn_is_old(struct http_conn *conn)
{
    return conn->end_ms <= now_ms(conn->http);
}
