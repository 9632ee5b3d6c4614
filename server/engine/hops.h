/* Which hosts may take mail for a domain, in the order in which they are tried.
 *
 *   SMTP route -> its targets | MX -> hosts | the domain itself (RFC 5321 5.1) -> addresses -> hops
 *
 * Owner thread: the loop given, which must be the one that runs everything else of the delivery. */
#ifndef POSTERN_ENGINE_HOPS_H
#define POSTERN_ENGINE_HOPS_H

#include "engine/snapshot.h"
#include "net/tls.h"
#include "queue/outcome.h"

struct clock;
struct loop;
struct resolver;
struct hops_search;

enum { HOPS_MAX = 16, HOPS_HOSTS_MAX = 8, HOPS_TEXT_MAX = 256 };

struct hop {
    struct ip ip;
    uint16_t port;
    enum tls_name_kind kind; /* ROUTE_HOST or MX */
    char name[TLS_NAME_MAX]; /* host name, or the text of the address */
};

struct hops {
    struct hop items[HOPS_MAX];
    size_t count;
    /* when count is 0: why */
    int event; /* enum outcome_event */
    char text[HOPS_TEXT_MAX];
};

/* In a later turn; HOPS is valid during the call. */
typedef void hops_done_fn(void *ctx, const struct hops *hops);

/* DOMAIN is copied; `[192.0.2.1]` is a hop by itself. CLOCK shuffles hosts of equal preference. */
struct hops_search *hops_find(struct loop *loop, struct resolver *resolver,
                              const struct clock *clock, struct snapshot *snapshot,
                              struct slice domain, hops_done_fn *done, void *ctx);
/* DONE will not be called. NULL is allowed. */
void hops_cancel(struct hops_search *search);

#endif
