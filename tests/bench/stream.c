/* See stream.h. Reading and writing go straight to the socket, GnuTLS over the descriptor; EAGAIN
 * ends a turn. Interest in writing is registered only while `out` could not be emptied, so that an
 * idle connection costs nothing. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"

enum { READ_BYTES = 65536 };

void stream_init(struct stream *s, int epoll_fd, int fd, void *owner)
{
    *s = (struct stream){.fd = fd, .epoll_fd = epoll_fd, .owner = owner, .is_writing = true};
    buf_init(&s->in, 0);
    buf_init(&s->out, 0);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* slower without, not wrong */
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = owner};
    int r = epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    ASSERT(r == 0);
}

void stream_finish(struct stream *s)
{
    if (s->fd < 0)
        return;
    if (s->tls != NULL) {
        if (!s->is_handshaking)
            (void)gnutls_bye(s->tls, GNUTLS_SHUT_WR); /* courtesy: the answer is not awaited */
        gnutls_deinit(s->tls);
    }
    (void)close(s->fd);
    buf_finish(&s->in);
    buf_finish(&s->out);
    s->fd = -1;
    s->tls = NULL;
}

void stream_start_tls(struct stream *s, unsigned flags,
                      gnutls_certificate_credentials_t credentials, gnutls_priority_t priority,
                      const gnutls_datum_t *session_data)
{
    int r = gnutls_init(&s->tls, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    ASSERT(r == 0);
    r = gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, credentials);
    ASSERT(r == 0);
    r = gnutls_priority_set(s->tls, priority);
    ASSERT(r == 0);
    if (session_data != NULL && session_data->size > 0)
        (void)gnutls_session_set_data(s->tls, session_data->data, session_data->size);
    gnutls_transport_set_int(s->tls, s->fd);
    s->is_handshaking = true;
}

static void want_write(struct stream *s, bool is_wanted)
{
    if (s->is_writing == is_wanted)
        return;
    struct epoll_event ev = {.events = EPOLLIN | (is_wanted ? (uint32_t)EPOLLOUT : 0U),
                             .data.ptr = s->owner};
    int r = epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
    ASSERT(r == 0);
    s->is_writing = is_wanted;
}

/* 1 done, 0 later, -1 failed */
static int go_on_handshaking(struct stream *s)
{
    int r;
    do {
        r = gnutls_handshake(s->tls);
    } while (r < 0 && r != GNUTLS_E_AGAIN && gnutls_error_is_fatal(r) == 0);
    if (r == GNUTLS_E_AGAIN) {
        want_write(s, gnutls_record_get_direction(s->tls) == 1);
        return 0;
    }
    if (r < 0) {
        s->error_text = gnutls_strerror(r);
        return -1;
    }
    s->is_handshaking = false;
    return 1;
}

/* Bytes read, 0 for none at present, -1 for the end. */
static ssize_t read_some(struct stream *s, char *p, size_t len)
{
    if (s->tls == NULL) {
        ssize_t n = recv(s->fd, p, len, 0);
        if (n > 0)
            return n;
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }
    for (;;) {
        ssize_t n = gnutls_record_recv(s->tls, p, len);
        if (n > 0)
            return n;
        if (n == GNUTLS_E_AGAIN)
            return 0;
        if (n == 0 || gnutls_error_is_fatal((int)n) != 0)
            return -1;
    }
}

static ssize_t write_some(struct stream *s, const char *p, size_t len)
{
    if (s->tls == NULL) {
        ssize_t n = send(s->fd, p, len, MSG_NOSIGNAL);
        if (n >= 0)
            return n;
        return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -1;
    }
    ssize_t n = gnutls_record_send(s->tls, p, len);
    if (n >= 0)
        return n;
    return gnutls_error_is_fatal((int)n) == 0 ? 0 : -1;
}

enum stream_state stream_flush(struct stream *s)
{
    if (s->is_handshaking)
        return STREAM_OPEN;
    while (buf_len(&s->out) > 0) {
        struct slice pending = buf_slice(&s->out);
        ssize_t n = write_some(s, pending.p, pending.len);
        if (n < 0)
            return STREAM_CLOSED;
        if (n == 0)
            break;
        buf_consume(&s->out, (size_t)n);
    }
    want_write(s, buf_len(&s->out) > 0);
    return STREAM_OPEN;
}

enum stream_state stream_pump(struct stream *s, size_t max_in)
{
    if (s->is_handshaking) {
        int r = go_on_handshaking(s);
        if (r < 0)
            return STREAM_TLS;
        if (r == 0)
            return STREAM_OPEN;
    }
    while (buf_len(&s->in) < max_in ||
           (s->tls != NULL && gnutls_record_check_pending(s->tls) > 0)) {
        char *room = buf_reserve(&s->in, READ_BYTES);
        ssize_t n = read_some(s, room, READ_BYTES);
        if (n < 0)
            return STREAM_CLOSED;
        if (n == 0)
            break;
        buf_commit(&s->in, (size_t)n);
        if (s->tls == NULL && n < READ_BYTES)
            break; /* level-triggered: what came since is told again */
    }
    return stream_flush(s);
}

int stream_connect(const struct sockaddr_storage *address, socklen_t address_len)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int r = connect(fd, (const struct sockaddr *)address, address_len);
    if (r < 0 && errno != EINPROGRESS) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int stream_resolve(const char *where, bool is_passive, struct sockaddr_storage *ret_address,
                   socklen_t *ret_len)
{
    const char *colon = strrchr(where, ':');
    if (colon == NULL)
        return -1;
    struct slice host = slice_of(where, (size_t)(colon - where));
    if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
        host = slice_of(host.p + 1, host.len - 2);
    char *name = slice_dup(host);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = is_passive ? AI_PASSIVE : 0};
    struct addrinfo *found = NULL;
    int r = getaddrinfo(name, colon + 1, &hints, &found);
    free(name);
    if (r != 0)
        return -1;
    memset(ret_address, 0, sizeof(*ret_address));
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void stream_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* then connections fail, which is reported */
}

struct slice bench_line(struct slice line)
{
    while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
        line.len--;
    return slice_trim(line);
}

uint64_t bench_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

double bench_cpu_s(bool is_system)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    struct timeval t = is_system ? usage.ru_stime : usage.ru_utime;
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

void bench_sort(uint32_t *values, size_t count)
{
    if (count > 1)
        qsort(values, count, sizeof(uint32_t), compare_u32);
}

double bench_percentile_ms(const uint32_t *sorted, size_t count, unsigned permille)
{
    return count == 0 ? 0 : (double)sorted[(count - 1) * permille / 1000] / 1000.0;
}

unsigned long long bench_number(const char *option, const char *text, unsigned long long max)
{
    unsigned long long value = 0;
    if (!slice_to_u64(slice_str(text), max, &value)) {
        (void)fprintf(stderr, "--%s wants a number up to %llu\n", option, max);
        exit(2);
    }
    return value;
}
