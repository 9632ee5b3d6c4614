/* Names: MX, addresses and reverse names, answered later on the asking loop.
 *
 * `struct resolver` is an interface: net/resolver_ub.c asks through libunbound, which validates
 * DNSSEC; tests/lib/fake_resolver.h answers from a table. One resolver, owned by one loop; any loop
 * may ask, its question and answer travel as letters. Every question has a deadline of our own
 * (LIMIT_DNS_REVERSE_MS, LIMIT_DNS_QUERY_MS), because an offline look-up hangs for long. Answers
 * are cached for their TTL within a fixed number of entries.
 *
 * RFC 5321 5.1 (MX, implicit MX), RFC 7505 (null MX), RFC 1035 (PTR), RFC 4035 (secure). */
#ifndef POSTERN_NET_RESOLVER_H
#define POSTERN_NET_RESOLVER_H

#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

struct loop;
struct resolver;
struct resolver_query;

enum {
    RESOLVER_HOSTS_MAX = 64, /* MX records looked at; more are ignored, best preference kept */
    RESOLVER_IPS_MAX = 32,   /* addresses of one host */
    RESOLVER_NAME_MAX = 256,
    RESOLVER_CACHE_ENTRIES = 8192,
    RESOLVER_TTL_MAX_S = 3600,
    RESOLVER_NEGATIVE_TTL_S = 60,
};

enum resolver_status {
    RESOLVER_STATUS_OK,
    RESOLVER_STATUS_NO_DATA,   /* the name exists, without such a record */
    RESOLVER_STATUS_NX_DOMAIN, /* the name does not exist */
    RESOLVER_STATUS_FAILED,    /* servers did not answer properly */
    RESOLVER_STATUS_TIMEOUT,   /* our deadline passed */
    RESOLVER_STATUS_BOGUS,     /* DNSSEC says it is forged: as good as failed */
};

enum resolver_security {
    RESOLVER_SECURITY_INSECURE, /* unsigned, or no trust anchor is set */
    RESOLVER_SECURITY_SECURE,   /* every step was validated */
    RESOLVER_SECURITY_BOGUS,
};

enum resolver_kind { RESOLVER_KIND_REVERSE, RESOLVER_KIND_MX, RESOLVER_KIND_ADDRESSES };

struct resolver_host {
    uint16_t preference;
    char name[RESOLVER_NAME_MAX]; /* lower case, no trailing dot */
};

struct resolver_answer {
    enum resolver_status status;
    enum resolver_security security;
    char why[128]; /* in words when status is not OK or security is bogus, else empty */
    /* MX: sorted by preference. No MX but an existing name: status NO_DATA, the caller uses the
     * domain itself (RFC 5321 5.1). is_null_mx: the domain takes no mail (RFC 7505), no hosts. */
    struct resolver_host *hosts;
    size_t host_count;
    bool is_null_mx;
    /* ADDRESSES: IPv4 and IPv6 as they came, IPv6 first */
    struct ip *ips;
    size_t ip_count;
    /* REVERSE: the name, and whether it leads back to the address */
    char name[RESOLVER_NAME_MAX];
    bool is_verified;
    uint32_t ttl_s; /* how long it may be kept */
};

/* On the loop that asked, in a later turn than the question. ANSWER is valid during the call. */
typedef void resolver_done_fn(void *ctx, const struct resolver_answer *answer);

/* HOME is the caller's own loop; the returned question is owned by the resolver and gone when
 * DONE was called or resolver_cancel returned. */
struct resolver_query *resolver_reverse(struct resolver *resolver, struct loop *home,
                                        const struct ip *ip, resolver_done_fn *done, void *ctx);
struct resolver_query *resolver_mx(struct resolver *resolver, struct loop *home, const char *domain,
                                   resolver_done_fn *done, void *ctx);
struct resolver_query *resolver_addresses(struct resolver *resolver, struct loop *home,
                                          const char *host, resolver_done_fn *done, void *ctx);
/* From the loop that asked: DONE will not be called. NULL is allowed. */
void resolver_cancel(struct resolver_query *query);

struct resolver_settings {
    const char *const *forwarders; /* `192.0.2.53@53`; none: asks the root servers itself */
    size_t forwarder_count;
    const char *trust_anchor_file; /* NULL or empty: no validation, never SECURE */
    bool unblock_lan_zones;        /* private reverse zones are asked for, not answered NXDOMAIN */
    const char *const *removed_zones; /* zones libunbound would answer itself: `test.` */
    size_t removed_zone_count;
};

/* LOOP owns it; call before the loop runs or on its thread. Reads the trust anchor: may block. */
int resolver_create(struct loop *loop, const struct resolver_settings *settings,
                    struct resolver **ret_resolver, struct error *reterr) MUST_CHECK;
/* On the owner's thread: new settings for the questions that follow, the cache is emptied, those
 * under way end with the old ones. On failure nothing has changed. */
int resolver_configure(struct resolver *resolver, const struct resolver_settings *settings,
                       struct error *reterr) MUST_CHECK;
/* On the owner's thread, when no loop asks any more. Questions under way end as FAILED. */
void resolver_destroy(struct resolver *resolver);

#endif
