/* Looks at the header section of a message while it streams past, in chunks of any size.
 *
 * It copies nothing but the two fields the mail log shows (Message-ID, Subject), changes nothing
 * and refuses nothing: what is malformed is simply not found. Lines end with CRLF (a bare LF is
 * tolerated as the end of a line: the SMTP side has refused it already, a stored body may have it).
 * The section ends at the first empty line, or where a line that is no field begins; after
 * LIMIT_HEADER_BYTES it counts as ended, and what follows is relayed unread.
 * Any split of the input gives the same result. Owner: whoever embeds it. RFC 5322 2.2, 3.6.4;
 * RFC 5321 6.3 (loop detection by counting Received fields). */
#ifndef POSTERN_MAIL_HEADER_H
#define POSTERN_MAIL_HEADER_H

#include <stdint.h>

#include "base/buf.h"

enum { HEADER_VALUE_MAX = 998 }; /* bytes kept of a field; the rest is cut off */

enum header_scan_state {
    HEADER_SCAN_LINE_START, /* first byte of a line decides: field, continuation or end */
    HEADER_SCAN_NAME,       /* collecting a field name up to the colon */
    HEADER_SCAN_VALUE,      /* in a field's value */
    HEADER_SCAN_DONE,       /* the section has ended */
};

struct header_scan {
    enum header_scan_state state;
    uint64_t fed_bytes;    /* all bytes seen, body included */
    uint64_t header_bytes; /* length of the header section, its empty line not counted */
    uint32_t received_count;
    bool is_8bit;      /* a byte over 127 was seen anywhere, in header or body */
    bool is_truncated; /* LIMIT_HEADER_BYTES ended it, not an empty line */
    bool has_message_id, has_subject, has_date, has_from; /* the first one of each counts */
    struct buf message_id; /* value, blanks around it removed, unfolded, raw bytes */
    struct buf subject;
    /* private */
    char name[16];
    uint8_t name_len;
    bool is_name_long, is_line_cr;
    struct buf *keep; /* where the present value goes, or NULL */
};

void header_scan_init(struct header_scan *scan);
void header_scan_finish(struct header_scan *scan);
void header_scan_feed(struct header_scan *scan, struct slice chunk);
static inline bool header_scan_is_done(const struct header_scan *scan)
{
    return scan->state == HEADER_SCAN_DONE;
}

#endif
