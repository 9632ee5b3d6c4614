/* Record data as it comes in DNS answers, into resolver answers. The bytes are hostile: bounded, no
 * compression pointers (libunbound has expanded them), and only names that are host names are kept,
 * so none can carry control bytes into a log. RFC 1035 3.1, 3.3.9, 3.3.12; RFC 7505. */
#ifndef POSTERN_NET_DNS_WIRE_H
#define POSTERN_NET_DNS_WIRE_H

#include "base/slice.h"
#include "net/resolver.h"

/* Lower case without a trailing dot; empty text for the root. False when it is no host name. */
bool dns_wire_name(struct slice rdata, char out[RESOLVER_NAME_MAX]) MUST_CHECK;
/* Appends an MX host; a record that cannot be read or has no host name is left out. */
void dns_wire_add_mx(struct resolver_answer *answer, struct slice rdata);
/* By preference; cuts to RESOLVER_HOSTS_MAX; finds a null MX (RFC 7505). */
void dns_wire_sort_mx(struct resolver_answer *answer);
/* Appends the address of an A or AAAA record, at most RESOLVER_IPS_MAX in all. */
void dns_wire_add_ip(struct resolver_answer *answer, struct slice rdata);
/* IPv6 first, else as they came. */
void dns_wire_sort_ips(struct resolver_answer *answer);

#endif
