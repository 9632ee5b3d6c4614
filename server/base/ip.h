/* IP addresses and networks as values. IPv4-mapped IPv6 addresses are folded into IPv4 on parsing.
 */
#ifndef POSTERN_BASE_IP_H
#define POSTERN_BASE_IP_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

enum { IP_TEXT_MAX = 46 };

struct ip {
    uint8_t family; /* 4, 6, or 0: none */
    uint8_t bytes[16];
};

struct ip_net {
    struct ip ip;
    uint8_t prefix; /* 0..32 or 0..128 */
};

bool ip_parse(struct slice text, struct ip *ret_ip) MUST_CHECK;
/* Canonical text (RFC 5952 for IPv6); "none" for family 0. Returns OUT. */
const char *ip_format(const struct ip *ip, char out[IP_TEXT_MAX]);
bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);
bool ip_is_link_local(const struct ip *ip);
/* `10.0.0.0/8`, `2001:db8::/32` or a single address; bits behind the prefix must be zero. */
bool ip_net_parse(struct slice text, struct ip_net *ret_net) MUST_CHECK;
bool ip_net_contains(const struct ip_net *net, const struct ip *ip);
socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret_addr);
/* False when it is no IPv4 or IPv6 address (a local socket); ret_port may be NULL. */
bool ip_from_sockaddr(const struct sockaddr *addr, struct ip *ret_ip, uint16_t *ret_port);
/* The name to ask for the PTR record: `1.0.0.127.in-addr.arpa.`; OUT holds at least 80 bytes. */
const char *ip_reverse_name(const struct ip *ip, char *out, size_t out_size);

#endif
