/* What a request's head must look like before anything of it is believed.
 *
 * libmicrohttpd 0.9.75 accepts heads that another HTTP implementation would read otherwise: two
 * lengths, a length beside chunks, a folded line, a bare line feed, a NUL in a value. Whoever can
 * make two readers disagree can make one of them take a part of a body for a request. So every such
 * head is refused and its connection closed, before the body and before the app. Pure functions:
 * no library, no memory, no log. RFC 9112, RFC 9110. */
#ifndef POSTERN_WEBUI_GUARD_H
#define POSTERN_WEBUI_GUARD_H

#include <stdbool.h>

#include "api/exchange.h"

/* The head as the parser gave it out. The bytes at START..START+SIZE are the parser's own memory,
 * in which it has put NULs where it cut. */
struct guard_head {
    const char *start; /* of the method */
    size_t size;       /* up to the body */
    struct slice method, uri, version;
    const char *uri_at;             /* where URI lay: URI itself is a copy made before it was cut */
    const struct api_field *fields; /* in the order of their arrival, values not trimmed */
    size_t field_count;
    bool has_more_fields; /* than API_FIELDS_MAX */
};

/* What the head says of the rest of the request, or why it is refused. */
struct guard_verdict {
    unsigned status;  /* 0: go on; 400 and others: refuse, close the connection */
    const char *code; /* literals, for the problem document */
    const char *detail;
    struct slice path, query;
    bool has_body, is_chunked, expects_continue;
    unsigned long long content_length;
};

void guard_check(const struct guard_head *head, struct guard_verdict *ret_verdict);

/* The parts of it, each by itself for the fuzzer. */

/* A request target in origin form, absolute form (whose authority must be HOST) or `*`: printable
 * ASCII, whole escapes, no escaped NUL, no escaped control byte in the path. PATH and QUERY are
 * parts of URI. */
bool guard_uri(struct slice uri, struct slice host, struct slice *ret_path,
               struct slice *ret_query) MUST_CHECK;
/* RFC 3986 3.2.2 and 3.2.3: a name, an IPv4 address or a bracketed IPv6 address, and perhaps a
 * port. NAME is without the port. */
bool guard_host(struct slice host, struct slice *ret_name) MUST_CHECK;
/* That the head is method SP uri SP version CRLF *(name ":" OWS value CRLF) CRLF to the byte. It is
 * how bare line feeds, folded lines and NULs show, which the parser takes without a word. A NUL
 * right before a bare line feed does not: the parser has overwritten both, as it does CR and LF. */
bool guard_layout(const struct guard_head *head) MUST_CHECK;

#endif
