/* The sockets that listen, and what is particular to the local one and the redirecting one.
 * See http.h. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/tcp_bind.h"
#include "pki/served.h"
#include "webui/guard.h"
#include "webui/http_priv.h"

enum { LISTEN_BACKLOG = 512 };

int http_bind(const struct ip *address, uint16_t port, int *ret_fd, struct error *reterr)
{
    return tcp_bind(address, port, false, LISTEN_BACKLOG, ret_fd, reterr);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    struct ip ip;
    uint16_t port = 0;

    if (getsockname(fd, (struct sockaddr *)&addr, &len) == 0)
        (void)ip_from_sockaddr((struct sockaddr *)&addr, &ip, &port); /* local: 0 */
    return port;
}

/* From the moment it returns, connections are served. */
static struct http_listener *serve(struct http *http, const struct http_listener *like)
{
    struct http_listener *listener = MEM_NEW(struct http_listener);

    *listener = *like;
    listener->port = port_of(listener->fd);
    (void)pthread_mutex_lock(&http->mutex);
    listener->id = http->next_listener_id++;
    list_append(&http->listeners, &listener->node);
    (void)pthread_mutex_unlock(&http->mutex);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = listener->id};
    int r = epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, listener->fd, &event);
    ASSERT(r == 0); /* the descriptor is a listening socket and not in the set */
    return listener;
}

struct http_listener *http_listen_tls(struct http *http, int fd, struct served *served)
{
    struct http_listener like = {.kind = HTTP_KIND_TLS, .fd = fd, .served = served_ref(served)};
    return serve(http, &like);
}

struct http_listener *http_listen_redirect(struct http *http, int fd, uint16_t https_port)
{
    struct http_listener like = {.kind = HTTP_KIND_REDIRECT, .fd = fd, .https_port = https_port};
    return serve(http, &like);
}

/* bind makes the file with the mode that the umask leaves: for a moment it must be ours alone, and
 * nobody may connect before listen. */
static int bind_local(int fd, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path));
    if (unlink(path) < 0 && errno != ENOENT)
        return -1;
    int r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    if (r == 0)
        r = chmod(path, S_IRUSR | S_IWUSR);
    return r == 0 ? listen(fd, LISTEN_BACKLOG) : r;
}

int http_listen_local(struct http *http, const char *path, struct http_listener **ret_listener,
                      struct error *reterr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot make a socket for %s", path);
    if (bind_local(fd, path) < 0) {
        int errnum = errno;
        (void)close(fd); /* the error that counts is ERRNUM */
        return error_set_errno(reterr, errnum, "cannot listen on %s", path);
    }
    struct http_listener like = {.kind = HTTP_KIND_LOCAL, .fd = fd, .path = mem_strdup(path)};
    *ret_listener = serve(http, &like);
    return 0;
}

uint16_t http_listener_port(const struct http_listener *listener)
{
    return listener->port;
}

void http_set_certificate(struct http *http, struct http_listener *listener, struct served *served)
{
    struct served *next = served_ref(served);

    (void)pthread_mutex_lock(&http->mutex);
    struct served *old = listener->served;
    listener->served = next;
    (void)pthread_mutex_unlock(&http->mutex);
    served_unref(old);
}

void http_unlisten(struct http *http, struct http_listener *listener)
{
    if (listener == NULL)
        return;
    (void)pthread_mutex_lock(&http->mutex);
    list_remove(&listener->node);
    (void)pthread_mutex_unlock(&http->mutex);
    if (listener->path != NULL)
        (void)unlink(listener->path); /* the next start would replace it anyhow */
    (void)close(listener->fd);        /* leaves the epoll set by itself */
    served_unref(listener->served);
    free(listener->path);
    free(listener);
}

bool http_local_is_trusted(uint32_t uid, uint32_t own_uid)
{
    return uid == 0 || uid == own_uid;
}

void http_redirect(struct http_request *request)
{
    struct api_exchange *exchange = &request->exchange;
    struct buf url;
    struct slice name;

    if (!guard_host(api_exchange_field(exchange, "host"), &name)) {
        http_problem(exchange, 400, "http.host", "There must be one Host, a name or an address.");
        return;
    }
    buf_init(&url, 0);
    (void)buf_printf(&url, "https://%.*s", SLICE_ARGS(name)); /* no cap */
    if (request->conn->https_port != 443)
        (void)buf_printf(&url, ":%u", request->conn->https_port);
    if (exchange->path.p[0] == '/')
        (void)buf_append_slice(&url, exchange->path);
    if (exchange->query.len > 0)
        (void)buf_printf(&url, "?%.*s", SLICE_ARGS(exchange->query));
    exchange->status = 308; /* RFC 9110 15.4.9: the method stays */
    api_exchange_reply_field(exchange, "Location", buf_slice(&url));
    buf_finish(&url);
}
