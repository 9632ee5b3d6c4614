/* One HTTP exchange as the API sees it: what was asked, what is answered, no socket and no library.
 *
 *   webui/http.c fills the request --> api_admit --> (body) --> api_handle --> done --> webui sends
 *
 * Whoever received the request owns the exchange; between the call of api_admit or api_handle and
 * `done` it belongs to the API alone. `done` comes exactly once a call, perhaps before the call
 * returns, perhaps later and on another thread. All request slices live as long as the exchange. */
#ifndef POSTERN_API_EXCHANGE_H
#define POSTERN_API_EXCHANGE_H

#include "api/feed.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/mem.h"

enum api_method {
    API_METHOD_GET,
    API_METHOD_HEAD,
    API_METHOD_POST,
    API_METHOD_PUT,
    API_METHOD_PATCH,
    API_METHOD_DELETE,
    API_METHOD_OPTIONS,
    API_METHOD_OTHER,
};

enum {
    API_FIELDS_MAX = 64,        /* header fields of a request; more: 431 */
    API_REPLY_FIELDS_MAX = 16,  /* of a reply, besides those webui adds to each */
    API_REQUEST_ID_MAX = 17,    /* 16 hex digits */
    API_BODY_MAX = 1024 * 1024, /* of a request, unless its route says otherwise */
    API_URI_MAX = 8192,         /* path and query */
};

struct api_field {
    struct slice name, value;
};

/* What the peer proved by its connection alone. */
enum api_origin {
    API_ORIGIN_HTTPS,
    API_ORIGIN_LOCAL, /* the local socket, SO_PEERCRED: root or our own user */
};

struct api_exchange {
    /* the request */
    enum api_method method;
    struct slice path, query; /* as sent: percent-encoded, without the '?' */
    struct api_field fields[API_FIELDS_MAX];
    size_t field_count;
    struct slice body; /* whole when api_handle is called */
    enum api_origin origin;
    struct ip address; /* of the peer; family 0 when local */
    uint32_t uid;      /* of the peer when local */
    char request_id[API_REQUEST_ID_MAX];

    /* the answer */
    unsigned status; /* 0 after api_admit: go on and read up to body_max bytes of body */
    size_t body_max;
    const char *content_type; /* a literal; NULL: no body */
    struct buf reply;
    struct slice lasting; /* not empty: the body instead of `reply`; part of the program itself */
    struct api_field reply_fields[API_REPLY_FIELDS_MAX]; /* in the arena, or literals */
    size_t reply_field_count;
    unsigned stream_topics; /* enum feed_topic bits; not 0: a stream of events instead of `reply` */
    struct feed_holder stream_holder; /* set with stream_topics */

    struct mem_arena arena; /* ends with the exchange */
    void (*done)(struct api_exchange *exchange);
    void *api_state; /* the API's, between api_admit and the end of api_handle */
};

/* Empty, arena and reply buffer ready. */
void api_exchange_init(struct api_exchange *exchange);
void api_exchange_finish(struct api_exchange *exchange);
/* The value of the only header field of that name (any case); empty if there is none or several. */
struct slice api_exchange_field(const struct api_exchange *exchange, const char *name);
/* Adds a field to the answer; NAME is a literal, VALUE is copied. */
void api_exchange_reply_field(struct api_exchange *exchange, const char *name, struct slice value);

#endif
