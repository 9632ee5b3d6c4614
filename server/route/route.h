/* Routes: which hosts take the mail of a domain, and in which order they are tried.
 *
 * Flow: route_find asks the SMTP routes; with one, its hosts are the next hops and MX is not asked
 * (RFC 5321 5.1 leaves that to the configuration). Without one the caller resolves MX, puts the
 * hosts in order with route_order_hosts, resolves their addresses and drops those that
 * route_is_denied names, and from the first on that is this host. SMTP routes are bound by neither:
 * an administrator named them.
 *
 * Pure functions of a sealed configuration and of the randomness of base/clock; any thread; no
 * look-up in DNS happens here. RFC 5321 5.1: lower preference first, equal ones at random. */
#ifndef POSTERN_ROUTE_ROUTE_H
#define POSTERN_ROUTE_ROUTE_H

#include "base/clock.h"
#include "config/config.h"

/* Targets one route may have: the cap of the row in config/smtp_routes.def. */
enum { ROUTE_TARGETS_MAX = 64 };

struct route_target {
    char host[256]; /* name in lower case, or the literal with its brackets; ends in NUL */
    uint16_t port;
    struct ip ip; /* family 0: HOST is a name to be looked up (A and AAAA, not MX) */
};

/* A host of an MX answer: INDEX is the caller's, usually the place in its own array. */
struct route_host {
    uint16_t preference;
    size_t index;
};

/* The hosts of the most specific SMTP route of DOMAIN (itself, the longest `.parent`, ALL), lowest
 * priority number first, equal ones in random order at each call. Writes and returns at most MAX,
 * the first ones in that order. 0: there is no route, or the route has no target: ask MX.
 * DOMAIN is a destination key; its case does not matter; a literal `[192.0.2.1]` finds ALL only. */
size_t route_find(const struct config *config, const struct clock *clock, struct slice domain,
                  struct route_target *ret_targets, size_t max);

/* Sorts by preference, equal ones in random order. In place, O(n log n). */
void route_order_hosts(const struct clock *clock, struct route_host *hosts, size_t count);

/* Whether DNS names ourselves: a host name of the system or an interface, an address of an
 * interface. An interface on the unspecified address tells nothing. */
bool route_is_own_name(const struct config *config, struct slice name);
bool route_is_own_address(const struct config *config, const struct ip *ip);

/* Whether an address that DNS named must not be connected to (delivery.next_hop_deny). */
bool route_is_denied(const struct config *config, const struct ip *ip);

#endif
