/* The life of the server, and what libmicrohttpd calls back. See http.h and http_priv.h.
 *
 * Two daemons without a listening socket, one with TLS and one without, serve what watchdog.c
 * accepts. Each session is given the credentials of its own listener before the handshake (a daemon
 * has only one set); GnuTLS then chooses between ECDSA and RSA by what the client can, as it does
 * for SMTP. MHD_stop_daemon panics over a suspended connection: hence the order of http_destroy. */
#include "webui/http.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "pki/served.h"
#include "webui/feed.h"
#include "webui/http_priv.h"

/* RFC 9325: as the SMTP listeners, without RSA key transport: no browser asks for it. */
#define HTTP_TLS_PRIORITY                                                                          \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"                           \
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

enum {
    HTTP_NO_LIMIT = 1 << 20, /* of libmicrohttpd's own: watchdog.c counts */
    HTTP_DESTROY_S = 5,      /* for replies under way */
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

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* The request line is there; URI is as it came. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct http_conn *conn = conn_of(mhd);

    (void)cls;
    if (conn == NULL || uri == NULL)
        return NULL; /* on_request closes */
    return http_request_create(conn, mhd, uri);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    (void)cls;
    (void)mhd;
    (void)url; /* cut where somebody else would: the request has what came */
    if (*context == NULL)
        return MHD_NO;
    return http_request_step(*context, method, version, upload, upload_size) ? MHD_YES : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    (void)code; /* whether the client has it, nobody can know */
    http_request_destroy(*context);
    *context = NULL;
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
    if (conn == NULL)
        (void)shutdown(fd, SHUT_RDWR); /* nobody watches over it */
    if (conn == NULL || conn->kind != HTTP_KIND_TLS)
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

void http_count(struct http *http, struct http_counters *ret_counters)
{
    size_t streams = feed_ring_streams(http->ring);

    (void)pthread_mutex_lock(&http->mutex);
    *ret_counters = http->counters;
    ret_counters->connections = http->conn_count;
    ret_counters->streams = streams;
    (void)pthread_mutex_unlock(&http->mutex);
}
