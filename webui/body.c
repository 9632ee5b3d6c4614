/* The body of a request: kept up to what the app allowed, or dropped. See http_priv.h.
 *
 * Whoever sends more than it may is heard out for HTTP_DRAIN_MAX bytes, so that the reply that says
 * so arrives: closing a socket with unread bytes in it throws away what the peer has not read yet.
 */
#include "webui/http_priv.h"

#include "base/clock.h"

static bool reserve(struct http *http, size_t len)
{
    size_t before = atomic_fetch_add(&http->body_bytes, len);
    if (before + len <= HTTP_BODY_BUDGET)
        return true;
    (void)atomic_fetch_sub(&http->body_bytes, len);
    return false;
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
    if (!reserve(request->conn->http, len))
        return HTTP_BODY_NO_ROOM;
    (void)buf_append(&request->body, p, len); /* no cap of its own */
    return HTTP_BODY_OK;
}

void http_body_finish(struct http_request *request)
{
    (void)atomic_fetch_sub(&request->conn->http->body_bytes, buf_len(&request->body));
    buf_finish(&request->body);
}
