/* The body of a request: kept up to what the app allowed, or dropped. See http_priv.h.
 *
 * Passwords and private keys come this way: the buffer is a secret one.
 *
 * Whoever sends more than it may is heard out for HTTP_DRAIN_MAX bytes, so that the reply that says
 * so arrives: closing a socket with unread bytes in it throws away what the peer has not read yet.
 */
#include "webui/http_priv.h"

#include "base/clock.h"

static bool take_budget(struct http_request *request, size_t len)
{
    atomic_size_t *total = &request->conn->http->body_bytes;

    if (atomic_fetch_add(total, len) + len > HTTP_BODY_BUDGET) {
        (void)atomic_fetch_sub(total, len);
        return false;
    }
    request->body_budget += len;
    return true;
}

enum http_body http_body_begin(struct http_request *request)
{
    const struct http *http = request->conn->http;

    request->body_start_ms = clock_mono_ms(http->settings.clock);
    http_conn_deadline(request->conn, http->settings.body_ms, false);
    if (!request->has_body)
        return HTTP_BODY_OK;
    if (request->content_length > request->exchange.body_max)
        return HTTP_BODY_TOO_LARGE;
    if (!take_budget(request, request->content_length))
        return HTTP_BODY_NO_ROOM;
    return HTTP_BODY_OK;
}

/* RFC 9112 9.5 leaves it to the server: LEN more bytes buy time at the least rate. */
static void extend_deadline(struct http_request *request)
{
    struct http *http = request->conn->http;
    uint64_t now_ms = clock_mono_ms(http->settings.clock);
    uint64_t end_ms = request->body_start_ms + http->settings.body_ms +
                      request->body_seen * 1000ULL / http->settings.body_rate;

    http_conn_deadline(request->conn, end_ms > now_ms ? end_ms - now_ms : 1, false);
}

enum http_body http_body_take(struct http_request *request, const char *p, size_t len)
{
    request->body_seen += len;
    extend_deadline(request);
    if (request->stage == HTTP_STAGE_REFUSED)
        return request->body_seen > request->exchange.body_max + HTTP_DRAIN_MAX ? HTTP_BODY_CUT
                                                                                : HTTP_BODY_OK;
    if (request->body_seen > request->exchange.body_max)
        return HTTP_BODY_TOO_LARGE;
    if (request->is_chunked && !take_budget(request, len))
        return HTTP_BODY_NO_ROOM;
    (void)buf_append(&request->body, p, len); /* it has no cap of its own */
    return HTTP_BODY_OK;
}

void http_body_finish(struct http_request *request)
{
    (void)atomic_fetch_sub(&request->conn->http->body_bytes, request->body_budget);
    buf_finish(&request->body);
}
