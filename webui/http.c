/* The life of the server and of a request. See http.h and http_priv.h.
 *
 * Facts of libmicrohttpd 0.9.75 that this file is built around:
 * - The handler is called first when the head is there. A reply queued then closes the connection
 *   whatever happens, so it is used only to refuse a body; all else is queued in the last call.
 * - A call that suspends is repeated after the resume. Hence the stages of a request.
 * - A suspended connection is not looked at: it cannot go away under the app.
 * - MHD_stop_daemon panics over a suspended connection. Hence the order of http_destroy.
 * - It has one set of credentials a daemon, so each session is given those of its own listener
 *   before the handshake; GnuTLS then chooses between ECDSA and RSA as it does for SMTP. */
#include "webui/http.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "pki/served.h"
#include "webui/feed.h"
#include "webui/guard.h"
#include "webui/http_priv.h"

/* RFC 9325: as the SMTP listeners, without RSA key transport: no browser asks for it. */
#define HTTP_TLS_PRIORITY                                                                          \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"                           \
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

enum {
    HTTP_NO_LIMIT = 1 << 20, /* of libmicrohttpd's own: watchdog.c counts */
    HTTP_DESTROY_S = 2,      /* for replies under way */
};

void http_settings_init(struct http_settings *settings)
{
    *settings = (struct http_settings){
        .clock = clock_system(),
        .threads = 2,
        .connections_max = 1024,
        .per_address_max = 256,
        .head_ms = 10000,
        .idle_ms = 60000,
        .age_ms = 600000,
        .body_ms = 20000,
        .body_rate = 16384,
        .reply_ms = 30000,
        .stream_ms = 3600000,
        .stream_comment_ms = 15000,
        .local_uid = (uint32_t)geteuid(),
    };
}

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
    struct feed_waker waker = {suspend_stream, resume_stream, request->mhd};

    request->stream = feed_stream_open(request->conn->http->ring, &waker, exchange->stream_topics,
                                       exchange->stream_key,
                                       slice_trim(api_exchange_field(exchange, "last-event-id")));
    if (request->stream == NULL) {
        http_problem(request, 503, "http.too_many_streams",
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
    struct slice body = buf_slice(&exchange->reply);
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
    http_problem(request, verdict.status, verdict.code, verdict.detail);
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
    if (!request->expects_continue && !request->is_chunked &&
        request->content_length <= HTTP_DRAIN_MAX)
        return MHD_YES; /* queued when it has come */
    return queue_reply(request);
}

static enum MHD_Result on_admitted(struct http_request *request)
{
    struct api_exchange *exchange = &request->exchange;

    if (exchange->status == 0 && !request->is_chunked &&
        request->content_length > exchange->body_max)
        http_problem(request, 413, "http.body_too_large",
                     "The body is longer than this route takes.");
    request->body_start_ms = clock_mono_ms(request->conn->http->settings.clock);
    http_conn_deadline(request->conn, request->conn->http->settings.body_ms, false);
    if (exchange->status != 0)
        return refuse(request);
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
        http_problem(request, 403, "http.local_user",
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
    if (result == HTTP_BODY_TOO_LARGE)
        http_problem(request, 413, "http.body_too_large",
                     "The body is longer than this route takes.");
    if (result == HTTP_BODY_NO_ROOM)
        http_problem(request, 503, "http.no_room", "There is no memory for more bodies now.");
    if (result != HTTP_BODY_OK) {
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

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    struct http_request *request = *context;

    (void)cls;
    (void)mhd;
    (void)url; /* decoded by somebody else's rules: request->uri is what came */
    if (request == NULL)
        return MHD_NO;
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

/* --- connections and the beginning and end of a request ------------------------------------------
 */

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static void make_request_id(const struct clock *clock, char out[API_REQUEST_ID_MAX])
{
    uint64_t bits;
    clock->random(clock, &bits, sizeof(bits));
    (void)snprintf(out, API_REQUEST_ID_MAX, "%016llx", (unsigned long long)bits);
}

/* The request line is there; URI is as it came. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct http *http = cls;
    struct http_conn *conn = conn_of(mhd);

    if (conn == NULL || uri == NULL)
        return NULL; /* the handler closes */
    struct http_request *request = MEM_NEW(struct http_request);
    api_exchange_init(&request->exchange);
    request->exchange.done = on_done;
    request->exchange.body_max = API_BODY_MAX;
    request->exchange.address = conn->address;
    request->exchange.uid = conn->uid;
    request->exchange.origin = conn->kind == HTTP_KIND_LOCAL ? API_ORIGIN_LOCAL : API_ORIGIN_HTTPS;
    make_request_id(http->settings.clock, request->exchange.request_id);
    request->conn = conn;
    request->mhd = mhd;
    /* The parser cuts it into pieces later. The guard wants to know where it lay. */
    request->uri_at = uri;
    request->uri = slice_str(mem_arena_strndup(&request->exchange.arena, uri, strlen(uri)));
    buf_init(&request->body, 0);
    if (!conn->is_first)
        http_conn_deadline(conn, http->settings.head_ms, true);
    conn->is_first = false;
    http_under_way(http, true);
    return request;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context;
    struct http *http = cls;

    (void)mhd;
    (void)code;
    *context = NULL;
    if (request == NULL)
        return;
    if (request->stream != NULL)
        feed_stream_close(request->stream);
    http_conn_deadline(request->conn, http->settings.idle_ms, true);
    http_body_finish(request);
    api_exchange_finish(&request->exchange);
    free(request);
    http_under_way(http, false);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context != NULL)
            http_conn_closed(*context);
        *context = NULL;
        return;
    }
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct http_conn *conn = http_conn_started(http, fd);
    *context = conn;
    if (conn == NULL || conn->served == NULL)
        return;
    gnutls_session_t session =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    int r =
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, served_credentials(conn->served));
    ASSERT(r == 0);
}

/* The URI is never decoded here: that is the router's, once it is cut at the slashes. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

/* Never asked, since every session has credentials of its own; without it no daemon starts. */
static int no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certs, unsigned *count, gnutls_ocsp_data_st **ocsp,
                          unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session, (void)info, (void)certs, (void)count;
    (void)ocsp, (void)ocsp_count, (void)key, (void)flags;
    return -1;
}

/* --- the server ----------------------------------------------------------------------------------
 */

static struct MHD_Daemon *start_daemon(struct http *http, bool is_tls)
{
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET;
    struct MHD_OptionItem common[] = {
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, HTTP_NO_LIMIT, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (!is_tls)
        return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_ARRAY, common,
                                MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
                                MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
                                MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
                                MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    return MHD_start_daemon(
        flags | MHD_USE_TLS, 0, NULL, NULL, on_request, http, MHD_OPTION_ARRAY, common,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_THREAD_POOL_SIZE, http->settings.threads,
        MHD_OPTION_HTTPS_PRIORITIES, HTTP_TLS_PRIORITY, MHD_OPTION_HTTPS_CERT_CALLBACK2,
        no_certificate, MHD_OPTION_END);
}

int http_create(const struct http_settings *settings, const struct http_app *app,
                struct http **ret_http, struct error *reterr)
{
    struct http *http = MEM_NEW(struct http);

    http->settings = *settings;
    http->app = *app;
    http->epoll_fd = http->wake_fd = -1;
    http->next_listener_id = 1;
    list_init(&http->listeners);
    list_init(&http->conns);
    (void)pthread_mutex_init(&http->mutex, NULL); /* neither can fail here */
    (void)pthread_cond_init(&http->quiet, NULL);
    http->ring =
        feed_ring_create(settings->clock, settings->stream_ms, settings->stream_comment_ms);
    http->tls = start_daemon(http, true);
    http->plain = start_daemon(http, false);
    int r = http->tls == NULL || http->plain == NULL
                ? error_set(reterr, ERR_IO, "the HTTP server does not start")
                : http_watchdog_start(http, reterr);
    if (r < 0) {
        http_destroy(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

void http_under_way(struct http *http, bool is_begun)
{
    (void)pthread_mutex_lock(&http->mutex);
    http->under_way = is_begun ? http->under_way + 1 : http->under_way - 1;
    if (http->under_way == 0)
        (void)pthread_cond_signal(&http->quiet);
    (void)pthread_mutex_unlock(&http->mutex);
}

/* Exchanges must come back, whatever it takes; replies get a moment to leave. */
static void wait_until_quiet(struct http *http)
{
    int64_t until_s = clock_wall_ms(http->settings.clock) / 1000 + HTTP_DESTROY_S;
    struct timespec until = {.tv_sec = (time_t)until_s};

    (void)pthread_mutex_lock(&http->mutex);
    http->is_closing = true;
    (void)pthread_mutex_unlock(&http->mutex);
    feed_ring_end(http->ring);
    (void)pthread_mutex_lock(&http->mutex);
    while (http->in_app > 0)
        (void)pthread_cond_wait(&http->quiet, &http->mutex);
    int r = 0;
    while (http->under_way > 0 && r == 0)
        r = pthread_cond_timedwait(&http->quiet, &http->mutex, &until);
    (void)pthread_mutex_unlock(&http->mutex);
}

void http_destroy(struct http *http)
{
    if (http == NULL)
        return;
    wait_until_quiet(http);
    http_watchdog_stop(http);
    if (http->tls != NULL)
        MHD_stop_daemon(http->tls);
    if (http->plain != NULL)
        MHD_stop_daemon(http->plain);
    while (!list_is_empty(&http->listeners))
        http_unlisten(http, CONTAINER_OF(http->listeners.next, struct http_listener, node));
    feed_ring_destroy(http->ring);
    if (http->epoll_fd >= 0)
        (void)close(http->epoll_fd);
    if (http->wake_fd >= 0)
        (void)close(http->wake_fd);
    (void)pthread_cond_destroy(&http->quiet);
    (void)pthread_mutex_destroy(&http->mutex);
    free(http);
}

struct feed http_feed(struct http *http)
{
    return feed_ring_feed(http->ring);
}

void http_end_streams(struct http *http, uint64_t stream_key)
{
    feed_ring_end_key(http->ring, stream_key);
}
