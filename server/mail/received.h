/* The trace field that every accepted message gets on top:
 *
 *   Received: from HELO (rdns [192.0.2.1])
 *   <TAB>by host with ESMTPS id 17
 *   <TAB>(TLSv1.3 TLS_AES_256_GCM_SHA384)
 *   <TAB>for <x@example.test>; Tue, 24 Nov 2026 11:35:35 +0000
 *
 * RFC 5321 4.4; keywords of RFC 3848. HELO and reverse name are hostile: every byte that is not
 * printable ASCII, or that would close a comment, becomes `?`, and long values are cut, so no line
 * is longer than 78 characters where the values allow it and none ever longer than 998. Lines end
 * with CRLF, the last one included. */
#ifndef POSTERN_MAIL_RECEIVED_H
#define POSTERN_MAIL_RECEIVED_H

#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"

struct received {
    struct slice helo;         /* as given; empty: none was said */
    struct slice reverse_name; /* empty: unknown */
    struct ip client_ip;
    struct slice by_host;
    bool is_esmtp; /* EHLO was said */
    bool is_tls;
    bool is_authenticated;
    struct slice tls_protocol; /* `TLSv1.3`; only with is_tls */
    struct slice tls_cipher;
    uint64_t mid;
    struct slice
        for_address; /* empty: none or several recipients: no `for` (privacy, RFC 5321 7.6) */
    int64_t wall_ms;
};

/* Appends the field; false only when BUF's cap is too small. */
bool received_append(struct buf *buf, const struct received *r) MUST_CHECK;

#endif
