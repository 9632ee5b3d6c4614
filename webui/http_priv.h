/* What the files of webui/ share. One connection, one request at a time on it.
 *
 * A connection is made by watchdog.c when it is accepted and ends when libmicrohttpd says that it
 * has closed it. A request is made at its request line and ends with its reply. Both belong to the
 * libmicrohttpd thread that serves the connection, except what `http->mutex` guards. */
#ifndef POSTERN_WEBUI_HTTP_PRIV_H
#define POSTERN_WEBUI_HTTP_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/exchange.h"
#include "base/list.h"
#include "webui/http.h"

struct MHD_Connection;
struct feed_ring;
struct feed_stream;
struct MHD_Daemon;
struct MHD_Response;

enum {
    HTTP_LOCAL_MAX = 64,          /* connections of the local socket */
    HTTP_OVERSHOOT_MAX = 128,     /* connections that are told to end and have not yet */
    HTTP_BODY_BUDGET = 134217728, /* bytes of all bodies held at a time */
    HTTP_DRAIN_MAX = 65536,       /* of an unwanted body that is read so that the reply arrives */
    HTTP_CONNECTION_MEMORY =
        32768, /* that libmicrohttpd may use: head, reply head, a piece of body */
    HTTP_STREAM_PIECE = 4096,
};

enum http_kind { HTTP_KIND_TLS, HTTP_KIND_REDIRECT, HTTP_KIND_LOCAL };

struct http_listener {
    struct list node; /* http->listeners */
    uint64_t id;      /* never used again: what epoll hands out */
    enum http_kind kind;
    int fd;
    uint16_t port, https_port;
    struct served *served;
    char *path; /* of a local one */
};

struct http_conn {
    struct list node; /* http->conns, oldest first */
    struct http *http;
    enum http_kind kind;
    int fd;
    struct ip address;
    uint32_t uid;        /* of a local one */
    uint16_t https_port; /* of a redirect */
    struct served *served;
    uint64_t end_ms;      /* of its age */
    uint64_t deadline_ms; /* of what it does now; 0: none */
    bool is_started;      /* libmicrohttpd has it: fd is open until http_conn_closed */
    bool is_waiting;      /* for a request: the first to go when room is needed */
    bool is_doomed;       /* shut down, no longer counted */
    bool is_new;          /* no head of a request has come whole */
};

struct http {
    struct http_settings settings;
    struct http_app app;
    struct MHD_Daemon *tls, *plain;
    struct feed_ring *ring;
    pthread_t watchdog;
    bool has_watchdog;
    int epoll_fd, wake_fd;
    atomic_size_t body_bytes; /* of all requests, against HTTP_BODY_BUDGET */

    /* Guards all below, and in the connections: node, deadline_ms, is_* (what only
     * the connection's thread writes, it reads without). libmicrohttpd is never
     * called under it. */
    pthread_mutex_t mutex;
    pthread_cond_t quiet; /* in_app or under_way went to 0 */
    struct list listeners, conns;
    uint64_t next_listener_id;
    size_t conn_count;
    struct http_counters counters;
    size_t in_app;       /* exchanges that the app has */
    size_t under_way;    /* requests from their first line to the end of their reply */
    bool is_closing;     /* nothing new begins */
    bool is_watched_out; /* the watchdog ends */
};

enum http_stage {
    HTTP_STAGE_HEAD,    /* made; the handler has not been called yet */
    HTTP_STAGE_ADMIT,   /* app.admit has it */
    HTTP_STAGE_BODY,    /* admitted, its body comes */
    HTTP_STAGE_REFUSED, /* answered already; what comes of a body is dropped */
    HTTP_STAGE_HANDLE,  /* app.handle has it */
    HTTP_STAGE_REPLY,   /* the reply is with libmicrohttpd */
};

/* Where a request is that was given to the app. Of `done` and the suspension the later one resumes.
 */
enum http_turn { HTTP_TURN_APP, HTTP_TURN_SUSPENDED, HTTP_TURN_DONE };

struct http_request {
    struct api_exchange exchange;
    struct http_conn *conn;
    struct MHD_Connection *mhd;
    enum http_stage stage;
    atomic_int turn;    /* enum http_turn */
    struct slice uri;   /* as it came, in the arena */
    const char *uri_at; /* where it lay in the head */
    bool has_body, is_chunked, expects_continue, has_more_fields;
    bool must_close; /* after the reply */
    unsigned long long content_length;
    uint64_t body_start_ms;
    struct buf body;
    size_t body_seen;   /* bytes, kept or dropped */
    size_t body_budget; /* of HTTP_BODY_BUDGET */
    struct feed_stream *stream;
};

/* watchdog.c: the connections, their deadlines, and the thread that accepts and ends them */
int http_watchdog_start(struct http *http, struct error *reterr) MUST_CHECK;
/* Stops accepting; no connection is added after it returns. */
void http_watchdog_stop(struct http *http);
void http_watchdog_wake(struct http *http);
/* Of the connection that was accepted as FD; NULL: unknown, to be ended. */
struct http_conn *http_conn_started(struct http *http, int fd);
void http_conn_closed(struct http_conn *conn);
/* AFTER_MS from now; 0: none. IS_WAITING: for the next request. */
void http_conn_deadline(struct http_conn *conn, uint64_t after_ms, bool is_waiting);
bool http_conn_is_old(struct http_conn *conn);

/* http.c: counts a request that begins or ends */
void http_under_way(struct http *http, bool is_begun);

/* request.c */
struct http_request *http_request_create(struct http_conn *conn, struct MHD_Connection *mhd,
                                         const char *uri) MUST_CHECK;
/* What libmicrohttpd's handler does. False: close the connection. */
bool http_request_step(struct http_request *request, const char *method, const char *version,
                       const char *upload, size_t *upload_size) MUST_CHECK;
void http_request_destroy(struct http_request *request);

/* listen.c */
bool http_local_is_trusted(uint32_t uid, uint32_t own_uid);
/* 308 with the same URL under https, or 400. */
void http_redirect(struct http_request *request);

/* body.c */
enum http_body { HTTP_BODY_OK, HTTP_BODY_TOO_LARGE, HTTP_BODY_NO_ROOM, HTTP_BODY_CUT };
/* Before the first piece, or when there is none: memory and deadline. */
enum http_body http_body_begin(struct http_request *request);
/* Takes a piece of it. HTTP_BODY_CUT: nothing that a reply could mend, end the connection. */
enum http_body http_body_take(struct http_request *request, const char *p, size_t len);
void http_body_finish(struct http_request *request);

/* headers.c */
/* Adds what every reply has and what the app asked for. */
void http_reply_fields(struct MHD_Response *response, struct http_request *request);
/* The answer becomes a problem document (RFC 9457). CODE and DETAIL are literals without a
 * character that JSON escapes. */
void http_problem(struct api_exchange *exchange, unsigned status, const char *code,
                  const char *detail);

#endif
