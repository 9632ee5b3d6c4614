/* Builds the delivery report (non-delivery notice) as one complete message, headers included.
 *
 * multipart/report with a text for people, message/delivery-status for programs, and the original
 * or its header section. RFC 3464, RFC 6522, RFC 5321 4.5.5 and 6.1. Lines end with CRLF. A line
 * end in a value from outside becomes a blank, bytes over 127 and control characters `?`; the part
 * with the original is marked 8bit when it is, with is_8bit told back, all else is 7-bit. The
 * builder knows nothing of queues or of who may be told. */
#ifndef POSTERN_MAIL_REPORT_H
#define POSTERN_MAIL_REPORT_H

#include <stdint.h>

#include "base/buf.h"

struct report_rcpt {
    struct slice address;
    struct slice enhanced;    /* `5.1.0`: our class, for people */
    struct slice class_text;  /* `Unknown address error` */
    struct slice status;      /* for programs: `5.1.1` of the peer, or our class again */
    struct slice remote_host; /* name or address of the host that answered; empty: nobody did */
    struct slice remote_text; /* `550 5.1.1 no such user`; empty: nobody answered */
};

struct report {
    uint64_t mid;            /* of the report itself: makes Message-ID and boundary */
    uint64_t original_mid;   /* X-Postern-MID: lets an administrator find the log lines */
    struct slice host;       /* reporting MTA, and the domain of MAILER-DAEMON */
    struct slice to;         /* envelope sender of the original */
    int64_t wall_ms;         /* now */
    int64_t arrival_wall_ms; /* when the original came */
    uint64_t salt;           /* random: nobody can foretell the boundary */
    const struct report_rcpt *rcpts;
    size_t rcpt_count;
    struct slice original; /* whole original, or its header section when is_headers_only */
    bool is_headers_only;
};

/* Appends the message; false only when BUF's cap is too small. *ret_is_8bit says whether it has
 * bytes over 127. */
bool report_build(const struct report *report, struct buf *buf, bool *ret_is_8bit) MUST_CHECK;

#endif
