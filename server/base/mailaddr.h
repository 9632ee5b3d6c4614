/* Syntax of domains and mailboxes: the one place that knows it, for configuration and SMTP alike.
 * RFC 5321 4.1.2 (grammar), 4.5.3.1 (lengths). Linear time, no allocation. */
#ifndef POSTERN_BASE_MAILADDR_H
#define POSTERN_BASE_MAILADDR_H

#include "base/ip.h"

/* Host name or mail domain in A-label or plain ASCII form: labels of letters, digits, hyphen and
 * underscore (seen in the wild), 1..63 each, no hyphen at either end, 1..255 in all, no trailing
 * dot. */
bool mailaddr_is_domain(struct slice s);
/* `[192.0.2.1]` or `[IPv6:2001:db8::1]`; ret_ip may be NULL. */
bool mailaddr_is_literal(struct slice s, struct ip *ret_ip);

struct mailaddr {
    struct slice local;  /* as written, quotes included */
    struct slice domain; /* domain or literal; empty for the bare `Postmaster` */
};

/* local-part@domain without angle brackets; dot-string or quoted-string. False on any other byte,
 * on control characters and 8-bit bytes, on a local part over 64 or a domain over 255 octets.
 * The bare `Postmaster` (any case) parses too, with an empty domain: only RCPT may take that one
 * (RFC 5321 4.5.1), everybody else refuses an empty domain. */
bool mailaddr_parse(struct slice s, struct mailaddr *ret_addr) MUST_CHECK;

#endif
