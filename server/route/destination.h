/* Destinations: which queue an address belongs to, and what holds for deliveries to there.
 *
 * A destination is a mail domain in lower case, or an address literal as written. Its settings come
 * from the destination controls: the most specific entry (the domain itself, then the longest
 * `.parent`, then Default), and field by field what that entry leaves open from the entry Default.
 * Entries between the most specific one and Default are not asked.
 *
 * Pure functions of a sealed configuration, any thread, O(labels * log entries). Where the mail
 * goes (routes, MX) is route/route.h. */
#ifndef POSTERN_ROUTE_DESTINATION_H
#define POSTERN_ROUTE_DESTINATION_H

#include "config/config.h"

/* The longest key and its NUL: a domain or literal of RFC 5321 4.5.3.1.2. */
enum { DESTINATION_KEY_SIZE = 256 };

/* What holds when the entry Default leaves these open too. */
enum { DESTINATION_MAX_CONNECTIONS = 500, DESTINATION_MAX_MESSAGES_PER_CONNECTION = 50 };

/* Settings of one destination, nothing left open. */
struct destination {
    enum cfg_dest_tls tls;                /* NONE, PREFERRED or REQUIRED, never DEFAULT */
    uint32_t max_connections;             /* open at a time, > 0 */
    uint32_t max_messages_per_connection; /* > 0 */
    /* The entry's, else Default's, else the profile of the name Default, else the first one, all
     * the configuration's; without any, a built-in one with the rows' defaults. Never NULL. */
    const struct cfg_bounce_profile *bounce_profile;
};

/* Writes the destination of an address and a NUL into KEY; returns its length without the NUL. The
 * domain in lower case (RFC 5321 2.4), `[192.0.2.1]` and `[IPv6:2001:db8::1]` as they are.
 * 0 and an empty KEY: what is no address, a key that does not fit, and the bare `Postmaster`, which
 * has no domain: RFC 5321 4.5.1 leaves open which one is meant, so the caller puts the system's own
 * host name there before it asks (and before it queues). */
size_t destination_key(struct slice address, char *key, size_t key_size);

/* What holds for DOMAIN, a key as above; its case does not matter. An address literal gets the
 * entry Default. */
void destination_find(const struct config *config, struct slice domain,
                      struct destination *ret_dest);

#endif
