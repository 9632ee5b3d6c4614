/* A request from its request line to its reply. See http_priv.h.
 *
 *   HEAD --guard--> ADMIT --app--> BODY --whole--> HANDLE --app--> REPLY
 *     |               |              |                               ^
 *     +--- refused ---+--------------+----------> REFUSED -----------+
 *
 * Facts of libmicrohttpd 0.9.75 that this file is built around:
 * - The handler is called first when the head is there. A reply queued then closes the connection
 *   whatever happens, so it is used only to refuse a body; all else is queued in the last call.
 * - A call that suspends is repeated after the resume. Hence the stages.
 * - A suspended connection is not looked at: it cannot go away under the app. */
#include <poll.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "webui/feed.h"
#include "webui/guard.h"
#include "webui/http_priv.h"

/* --- the two calls of the app --------------------------------------------------------------------
 */

/* False when the server is ending: the app gets nothing more. */
static bool enter_app(struct http *http)
{
    (void)pthread_mutex_lock(&http->mutex);
    bool is_open = !http->is_closing;
    http->in_app += is_open;
    (void)pthread_mutex_unlock(&http->mutex);
    return is_open;
}

static void leave_app(struct http *http)
{
    (void)pthread_mutex_lock(&http->mutex);
    if (--http->in_app == 0)
        (void)pthread_cond_signal(&http->quiet);
    (void)pthread_mutex_unlock(&http->mutex);
}

static struct http_request *request_of(struct api_exchange *exchange)
{
    return CONTAINER_OF(exchange, struct http_request, exchange);
}

/* Any thread, perhaps before the app's function has returned: then the connection is not suspended
 * yet, and hand_over sees HTTP_TURN_DONE. */
static void on_done(struct api_exchange *exchange)
{
    struct http_request *request = request_of(exchange);
    struct http *http = request->conn->http;
    struct MHD_Connection *mhd = request->mhd;

    int before = atomic_exchange(&request->turn, HTTP_TURN_DONE);
    ASSERT(before != HTTP_TURN_DONE); /* done comes once a call */
    if (before != HTTP_TURN_SUSPENDED)
        return;
    MHD_resume_connection(mhd); /* the request may end at any moment now */
    leave_app(http);
}

/* True when the app was done at once; false when the connection is suspended. */
static bool hand_over(struct http_request *request, void (*call)(void *, struct api_exchange *))
{
    struct http *http = request->conn->http;

    http_conn_deadline(request->conn, 0, false);
    atomic_store(&request->turn, HTTP_TURN_APP);
    call(http->app.owner, &request->exchange);
    if (atomic_load(&request->turn) != HTTP_TURN_DONE) {
        MHD_suspend_connection(request->mhd);
        if (atomic_exchange(&request->turn, HTTP_TURN_SUSPENDED) != HTTP_TURN_DONE)
            return false;
        atomic_store(&request->turn, HTTP_TURN_DONE);
        MHD_resume_connection(request->mhd);
        leave_app(http);
        return false; /* the handler is called again */
    }
    leave_app(http);
    return true;
}

/* --- replies -------------------------------------------------------------------------------------
 */

static void suspend_stream(void *owner)
{
    MHD_suspend_connection(owner);
}

static void resume_stream(void *owner)
{
    MHD_resume_connection(owner);
}

/* While a stream lasts its connection's descriptor stays open. */
static bool has_hung_up(void *owner)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(owner, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd polled = {.fd = info->connect_fd, .events = POLLRDHUP};

    return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static ssize_t read_stream(void *cls, uint64_t position, char *p, size_t size)
{
    struct http_request *request = cls;
    const struct http_settings *settings = &request->conn->http->settings;

    (void)position; /* it only goes forward */
    http_conn_deadline(request->conn, 2ULL * settings->stream_comment_ms + settings->reply_ms,
                       false);
    return feed_stream_read(request->stream, p, size);
}

static struct MHD_Response *make_stream(struct http_request *request)
{
    struct api_exchange *exchange = &request->exchange;
    struct feed_waker waker = {suspend_stream, resume_stream, has_hung_up, request->mhd};

    request->stream = feed_stream_open(request->conn->http->ring, &waker, exchange->stream_topics,
                                       &exchange->stream_holder,
                                       slice_trim(api_exchange_field(exchange, "last-event-id")));
    if (request->stream == NULL) {
        http_problem(exchange, 503, "http.too_many_streams",
                     "There are too many streams of events.");
        return NULL;
    }
    exchange->status = 200;
    exchange->content_type = "text/event-stream";
    request->must_close = true;
    api_exchange_reply_field(exchange, "X-Accel-Buffering", SLICE("no"));
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_PIECE, read_stream,
                                             request, NULL);
}

static enum MHD_Result queue_reply(struct http_request *request)
{
    struct api_exchange *exchange = &request->exchange;
    const struct http_settings *settings = &request->conn->http->settings;
    struct MHD_Response *response = NULL;

    if (exchange->stream_topics != 0 && exchange->method != API_METHOD_HEAD)
        response = make_stream(request);
    if (http_conn_is_old(request->conn))
        request->must_close = true;
    ASSERT(exchange->status >= 200);
    struct slice body = exchange->lasting.len > 0 ? exchange->lasting : buf_slice(&exchange->reply);
    if (response == NULL) /* it reads the body until the request ends */
        response = MHD_create_response_from_buffer(body.len, (void *)(size_t)body.p,
                                                   MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    http_reply_fields(response, request);
    request->stage = HTTP_STAGE_REPLY;
    http_conn_deadline(request->conn, settings->reply_ms + body.len * 1000ULL / settings->body_rate,
                       false);
    enum MHD_Result r = MHD_queue_response(request->mhd, exchange->status, response);
    MHD_destroy_response(response); /* the connection holds it */
    return r;
}

/* --- the stages of a request ---------------------------------------------------------------------
 */

static enum api_method method_of(struct slice method)
{
    static const char *const names[] = {
        [API_METHOD_GET] = "GET",         [API_METHOD_HEAD] = "HEAD",
        [API_METHOD_POST] = "POST",       [API_METHOD_PUT] = "PUT",
        [API_METHOD_PATCH] = "PATCH",     [API_METHOD_DELETE] = "DELETE",
        [API_METHOD_OPTIONS] = "OPTIONS",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_eq(method, slice_str(names[i])))
            return (enum api_method)i;
    }
    return API_METHOD_OTHER;
}

static enum MHD_Result take_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t value_len)
{
    struct http_request *request = cls;
    struct api_exchange *exchange = &request->exchange;

    (void)kind; /* only header fields were asked for */
    if (exchange->field_count == API_FIELDS_MAX) {
        request->has_more_fields = true;
        return MHD_NO;
    }
    exchange->fields[exchange->field_count++] = (struct api_field){
        .name = slice_of(name, name_len),
        .value = slice_of(value == NULL ? "" : value, value_len),
    };
    return MHD_YES;
}

static bool guard(struct http_request *request, const char *method, const char *version)
{
    struct api_exchange *exchange = &request->exchange;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct guard_verdict verdict;

    (void)MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, take_field, request);
    struct guard_head head = {
        .start = method,
        .size = size == NULL ? 0 : size->header_size,
        .method = slice_str(method),
        .uri = request->uri,
        .uri_at = request->uri_at,
        .version = slice_str(version),
        .fields = exchange->fields,
        .field_count = exchange->field_count,
        .has_more_fields = request->has_more_fields,
    };
    guard_check(&head, &verdict);
    for (size_t i = 0; i < exchange->field_count; i++)
        exchange->fields[i].value = slice_trim(exchange->fields[i].value);
    exchange->method = method_of(head.method);
    exchange->path = verdict.path;
    exchange->query = verdict.query;
    request->has_body = verdict.has_body;
    request->is_chunked = verdict.is_chunked;
    request->expects_continue = verdict.expects_continue;
    request->content_length = verdict.content_length;
    if (verdict.status == 0)
        return true;
    http_problem(&request->exchange, verdict.status, verdict.code, verdict.detail);
    return false;
}

static bool may_use_local(const struct http_conn *conn)
{
    return conn->kind != HTTP_KIND_LOCAL ||
           http_local_is_trusted(conn->uid, conn->http->settings.local_uid);
}

/* The exchange has a status and perhaps a body that nobody wants. */
static enum MHD_Result refuse(struct http_request *request)
{
    request->stage = HTTP_STAGE_REFUSED;
    if (!request->has_body)
        return MHD_YES; /* queued in the last call, so that the connection lives */
    request->must_close = true;
    http_conn_deadline(request->conn, request->conn->http->settings.body_ms, false);
    request->body_start_ms = clock_mono_ms(request->conn->http->settings.clock);
    if (!request->expects_continue && !request->is_chunked &&
        request->content_length <= HTTP_DRAIN_MAX)
        return MHD_YES; /* queued when it has come */
    return queue_reply(request);
}

/* The exchange becomes the refusal of a body. */
static void refuse_body(struct http_request *request, enum http_body why)
{
    if (why == HTTP_BODY_NO_ROOM)
        http_problem(&request->exchange, 503, "http.no_room",
                     "There is no memory for more bodies now.");
    else
        http_problem(&request->exchange, 413, "http.body_too_large",
                     "The body is longer than this route takes.");
}

static enum MHD_Result on_admitted(struct http_request *request)
{
    if (request->exchange.status != 0)
        return refuse(request);
    enum http_body result = http_body_begin(request);
    if (result != HTTP_BODY_OK) {
        refuse_body(request, result);
        return refuse(request);
    }
    request->stage = HTTP_STAGE_BODY;
    return MHD_YES;
}

static enum MHD_Result on_head(struct http_request *request, const char *method,
                               const char *version)
{
    struct http *http = request->conn->http;

    if (!guard(request, method, version)) {
        request->must_close = true;
        return queue_reply(request);
    }
    if (request->conn->kind == HTTP_KIND_REDIRECT) {
        http_redirect(request);
        request->must_close = true;
        return queue_reply(request);
    }
    if (!may_use_local(request->conn)) {
        http_problem(&request->exchange, 403, "http.local_user",
                     "Only root and the daemon's own user may come here.");
        request->must_close = true;
        return queue_reply(request);
    }
    if (!enter_app(http))
        return MHD_NO;
    request->stage = HTTP_STAGE_ADMIT;
    return hand_over(request, http->app.admit) ? on_admitted(request) : MHD_YES;
}

static enum MHD_Result on_body(struct http_request *request, const char *p, size_t *size)
{
    enum http_body result = http_body_take(request, p, *size);

    *size = 0;
    if (result == HTTP_BODY_CUT)
        return MHD_NO;
    if (result != HTTP_BODY_OK) {
        refuse_body(request, result);
        request->must_close = true;
        request->stage = HTTP_STAGE_REFUSED;
    }
    return MHD_YES;
}

static enum MHD_Result on_whole(struct http_request *request)
{
    struct http *http = request->conn->http;

    if (!enter_app(http))
        return MHD_NO;
    request->stage = HTTP_STAGE_HANDLE;
    request->exchange.body = buf_slice(&request->body);
    return hand_over(request, http->app.handle) ? queue_reply(request) : MHD_YES;
}

static enum MHD_Result step(struct http_request *request, const char *method, const char *version,
                            const char *upload, size_t *upload_size)
{
    switch (request->stage) {
    case HTTP_STAGE_HEAD:
        return on_head(request, method, version);
    case HTTP_STAGE_ADMIT:
        return on_admitted(request);
    case HTTP_STAGE_BODY:
        return *upload_size > 0 ? on_body(request, upload, upload_size) : on_whole(request);
    case HTTP_STAGE_REFUSED:
        return *upload_size > 0 ? on_body(request, upload, upload_size) : queue_reply(request);
    case HTTP_STAGE_HANDLE:
        return queue_reply(request);
    case HTTP_STAGE_REPLY:
        break;
    }
    return MHD_YES;
}

bool http_request_step(struct http_request *request, const char *method, const char *version,
                       const char *upload, size_t *upload_size)
{
    return step(request, method, version, upload, upload_size) == MHD_YES;
}

/* --- the beginning and the end -------------------------------------------------------------------
 */

static void make_request_id(const struct clock *clock, char out[API_REQUEST_ID_MAX])
{
    uint64_t bits;
    clock->random(clock, &bits, sizeof(bits));
    (void)snprintf(out, API_REQUEST_ID_MAX, "%016llx", (unsigned long long)bits);
}

struct http_request *http_request_create(struct http_conn *conn, struct MHD_Connection *mhd,
                                         const char *uri)
{
    struct http_request *request = MEM_NEW(struct http_request);
    struct api_exchange *exchange = &request->exchange;
    struct http *http = conn->http;

    api_exchange_init(exchange);
    exchange->done = on_done;
    exchange->body_max = API_BODY_MAX;
    exchange->address = conn->address;
    exchange->uid = conn->uid;
    exchange->origin = conn->kind == HTTP_KIND_LOCAL ? API_ORIGIN_LOCAL : API_ORIGIN_HTTPS;
    make_request_id(http->settings.clock, exchange->request_id);
    request->conn = conn;
    request->mhd = mhd;
    /* The parser cuts it into pieces later. The guard wants to know where it lay. */
    request->uri_at = uri;
    request->uri = slice_str(mem_arena_strndup(&exchange->arena, uri, strlen(uri)));
    buf_init_secret(&request->body, 0);
    if (!conn->is_new) /* the first one has its deadline from accept */
        http_conn_deadline(conn, http->settings.head_ms, true);
    http_under_way(http, true);
    return request;
}

void http_request_destroy(struct http_request *request)
{
    if (request == NULL)
        return;
    struct http *http = request->conn->http;
    if (request->stream != NULL)
        feed_stream_close(request->stream);
    http_conn_deadline(request->conn, http->settings.idle_ms, true);
    http_body_finish(request);
    api_exchange_finish(&request->exchange);
    free(request);
    http_under_way(http, false);
}
