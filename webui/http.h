/* The HTTP server: sockets, TLS and HTTP on one side, struct api_exchange on the other.
 *
 *   accept --> TLS --> head --> guard --> app.admit --> body --> app.handle --> reply --+
 *                       ^                                                               |
 *                       +------------------ next request of the connection -------------+
 *
 * One object serves any number of listeners, which come and go while it runs: HTTPS for people and
 * programs, the local socket for the command line, and plain HTTP that only sends people to HTTPS.
 * libmicrohttpd parses; what it lets through is stopped in webui/guard.h, what it waits for without
 * end is ended by webui/watchdog.c. A connection that is already there outlives its listener and a
 * change of certificate, so that the answer to the request that asked for the change arrives.
 *
 * Threads: every function here may be called from any thread but those that run the app's
 * callbacks, and from one thread at a time. The callbacks run on the server's own threads. */
#ifndef POSTERN_WEBUI_HTTP_H
#define POSTERN_WEBUI_HTTP_H

#include <stdint.h>

#include "api/feed.h"
#include "base/err.h"
#include "base/ip.h"

struct api_exchange;
struct clock;
struct http;
struct http_listener;
struct served;

/* Two calls a request, each ended by exchange->done (see api/exchange.h), which may come before the
 * call returns or later on any thread. Neither may block: other requests wait on the same thread.
 * The connection is suspended meanwhile. Every request goes through both unless admit answers it;
 * what the guard refuses reaches neither. An exchange that was admitted and then never handled (the
 * client went away) ends without a further call: what hangs on api_state belongs in the arena. */
struct http_app {
    void (*admit)(void *owner, struct api_exchange *exchange);
    void (*handle)(void *owner, struct api_exchange *exchange);
    void *owner;
};

/* Defaults by http_settings_init; tests shorten them. Deadlines are absolute, in ms. */
struct http_settings {
    const struct clock *clock;
    unsigned threads;           /* that serve connections; besides them one watches */
    unsigned connections_max;   /* of HTTPS and redirects together */
    unsigned per_address_max;   /* of them, from one address; of the local socket */
    uint32_t head_ms;           /* from accept, or the request line, to the end of the headers */
    uint32_t idle_ms;           /* between two requests */
    uint32_t age_ms;            /* of a connection: after it, the next reply is the last one */
    uint32_t body_ms;           /* for a body, plus what body_rate grants for what has come */
    uint32_t body_rate;         /* bytes a second that a body, or the reading of a reply, needs */
    uint32_t reply_ms;          /* for the client to take the reply, plus as above */
    uint32_t stream_ms;         /* a stream of events ends after this time */
    uint32_t stream_comment_ms; /* between two comments of a stream */
    uint32_t local_uid;         /* who besides root may use the local socket */
    const char *build;          /* borrowed: the pages' build, in every reply; NULL: no pages */
};

void http_settings_init(struct http_settings *settings);
/* SETTINGS and APP are copied. */
int http_create(const struct http_settings *settings, const struct http_app *app,
                struct http **ret_http, struct error *reterr) MUST_CHECK;
/* Ends the streams, waits until the app has given back every exchange, closes all connections.
 * NULL is allowed. */
void http_destroy(struct http *http);
/* What happened since the start, and how many there are now. */
struct http_counters {
    uint64_t accepted;   /* connections */
    uint64_t refused;    /* because of a cap, all others being busy */
    uint64_t pushed_out; /* while waiting for a request, to make room */
    uint64_t late;       /* that reached their deadline */
    size_t connections, streams;
};

void http_count(struct http *http, struct http_counters *ret_counters);
/* The door for publishers, valid as long as the object. */
struct feed http_feed(struct http *http);

/* A socket that listens at ADDRESS (port 0: any) and is not served yet, so that a change can be
 * prepared and dropped: connections wait in the kernel. ERR_IO says what the system said. */
int http_bind(const struct ip *address, uint16_t port, int *ret_fd,
              struct error *reterr) MUST_CHECK;
/* HTTPS on a socket of http_bind, which it takes over. Takes a reference on SERVED. */
struct http_listener *http_listen_tls(struct http *http, int fd, struct served *served) MUST_CHECK;
/* Plain HTTP that answers 308 with the https URL of HTTPS_PORT, whatever is asked. */
struct http_listener *http_listen_redirect(struct http *http, int fd,
                                           uint16_t https_port) MUST_CHECK;
/* A Unix socket at PATH, mode 0600; one that is there already is replaced. */
int http_listen_local(struct http *http, const char *path, struct http_listener **ret_listener,
                      struct error *reterr) MUST_CHECK;
uint16_t http_listener_port(const struct http_listener *listener);
/* For connections that are accepted from now on. */
void http_set_certificate(struct http *http, struct http_listener *listener, struct served *served);
/* Closes the socket, and removes the path of a local one; connections that were accepted go on.
 * NULL is allowed. */
void http_unlisten(struct http *http, struct http_listener *listener);

#endif
