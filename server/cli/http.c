/* See http.h. The daemon may answer before it has the whole body and close: what it said is read
 * even when it stopped listening. */
#include "cli/http.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { READ_BYTES = 65536 };

void cli_http_init(struct cli_http *http, const char *state_dir)
{
    *http = (struct cli_http){.state_dir = state_dir, .fd = -1};
}

void cli_http_close(struct cli_http *http)
{
    if (http->fd >= 0)
        (void)close(http->fd); /* nothing of ours is left in it */
    http->fd = -1;
}

/* --- connecting --- */

static int refuse(const char *path, const char *state_dir, int errnum, struct error *reterr)
{
    if (errnum == ENOENT || errnum == ECONNREFUSED)
        return error_set(reterr, ERR_CLOSED,
                         "the gateway is not running: nothing answers at %s; start it with "
                         "`postern serve --state-dir %s`, or name another state directory with "
                         "--state-dir",
                         path, state_dir);
    if (errnum == EACCES)
        return error_set(reterr, ERR_IO,
                         "%s may be used by root and the gateway's own user only, not by user %u",
                         path, (unsigned)geteuid());
    return error_set_errno(reterr, errnum, "cannot connect to %s", path);
}

static int connect_to(struct cli_http *http, struct error *reterr)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = CLI_ANSWER_MS / 1000};
    char *path SCOPED(mem_free_at) = mem_printf("%s/run/postern.sock", http->state_dir);
    size_t len = strlen(path);

    if (len >= sizeof(addr.sun_path))
        return error_set(reterr, ERR_INVALID, "%s is longer than the path of a socket may be",
                         path);
    memcpy(addr.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot make a socket");
    /* bounds connect, which waits while many others are waiting */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int errnum = errno;
        (void)close(fd); /* it was never connected */
        return refuse(path, http->state_dir, errnum, reterr);
    }
    http->fd = fd;
    return 0;
}

/* --- bytes, until a point in time --- */

static int wait_for(int fd, short events, uint64_t until_ms, struct error *reterr)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    uint64_t now_ms = clock_mono_ms(clock_system());
    int r = 0;

    while (now_ms < until_ms) {
        r = poll(&poll_fd, 1, (int)(until_ms - now_ms));
        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return error_set_errno(reterr, errno, "cannot wait for the gateway");
        now_ms = clock_mono_ms(clock_system());
    }
    return error_set(reterr, ERR_TIMEOUT, "the gateway has not answered for %d s",
                     CLI_ANSWER_MS / 1000);
}

/* A daemon that has stopped listening may have answered: that is for the reader to see. */
static int send_all(int fd, struct slice bytes, uint64_t until_ms, struct error *reterr)
{
    while (bytes.len > 0) {
        int r = wait_for(fd, POLLOUT, until_ms, reterr);
        if (r < 0)
            return r;
        ssize_t sent = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 0;
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return error_set_errno(reterr, errno, "cannot send to the gateway");
        size_t len = sent < 0 ? 0 : (size_t)sent;
        bytes = slice_of(bytes.p + len, bytes.len - len);
    }
    return 0;
}

static int receive(int fd, struct cli_answer *answer, uint64_t until_ms, struct error *reterr)
{
    char *bytes SCOPED(mem_free_at) = mem_alloc(READ_BYTES);
    enum cli_answer_state state = answer->state;

    while (state == CLI_ANSWER_HEAD || state == CLI_ANSWER_BODY) {
        int r = wait_for(fd, POLLIN, until_ms, reterr);
        if (r < 0)
            return r;
        ssize_t got = recv(fd, bytes, READ_BYTES, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0 && errno != ECONNRESET)
            return error_set_errno(reterr, errno, "cannot read from the gateway");
        state = got > 0 ? cli_answer_feed(answer, slice_of(bytes, (size_t)got))
                        : cli_answer_end(answer);
    }
    if (state == CLI_ANSWER_DONE)
        return 0;
    return error_set(reterr, ERR_INVALID, "talking to the gateway: %s", answer->error.text);
}

/* --- the exchange --- */

static void make_request(const struct cli_http_request *request, struct buf *out)
{
    bool has_content = request->type != NULL || strcmp(request->method, "GET") != 0;

    (void)buf_printf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", request->method,
                     request->target);
    if (request->type != NULL)
        (void)buf_printf(out, "Content-Type: %s\r\n", request->type);
    if (has_content) /* RFC 9110 8.6: said for methods that may have content, though it be 0 */
        (void)buf_printf(out, "Content-Length: %zu\r\n", request->body.len);
    (void)buf_append_str(out, "\r\n");
    (void)buf_append_slice(out, request->body);
}

int cli_http_exchange(struct cli_http *http, const struct cli_http_request *request,
                      struct cli_answer *ret_answer, struct error *reterr)
{
    uint64_t until_ms = clock_mono_ms(clock_system()) + CLI_ANSWER_MS;
    struct cli_answer answer;
    struct buf bytes;

    int r = http->fd < 0 ? connect_to(http, reterr) : 0;
    if (r < 0)
        return r;
    buf_init(&bytes, 0);
    make_request(request, &bytes);
    cli_answer_init(&answer, CLI_BODY_MAX);
    r = send_all(http->fd, buf_slice(&bytes), until_ms, reterr);
    if (r == 0)
        r = receive(http->fd, &answer, until_ms, reterr);
    buf_finish(&bytes);
    if (r < 0 || answer.is_last)
        cli_http_close(http);
    if (r < 0)
        cli_answer_finish(&answer);
    else
        *ret_answer = answer;
    return r;
}
