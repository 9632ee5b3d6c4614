/* An SMTP reply as a value, and the texts that Postern says: codes.def is the table.
 *
 * One struct serves both sides: the server writes it to the wire, the client gets it from
 * smtp/reply_parse.h. It owns nothing: whoever hands it out says how long its slices live.
 * Does not decide which reply fits; RFC 5321 4.2, RFC 2034, RFC 3463. Pure functions, any thread.
 */
#ifndef POSTERN_SMTP_REPLY_H
#define POSTERN_SMTP_REPLY_H

#include "base/buf.h"

struct smtp_reply {
    int code;              /* 200..599 */
    struct slice enhanced; /* `5.1.1`; empty: none */
    struct slice text;     /* without the codes; LF separates the lines of a longer reply */
};

enum smtp_code {
#define SMTP_CODE(name, code, enhanced, text) SMTP_CODE_##name,
#include "smtp/codes.def"
#undef SMTP_CODE
    SMTP_CODE_COUNT
};

/* The table's row, its slices static. A `%` in the text stays as it is: for rows without one. */
struct smtp_reply smtp_code_reply(enum smtp_code id);
/* The same with `%` replaced by ARG; the text lives in SCRATCH (cleared first) until that changes.
 */
struct smtp_reply smtp_code_format(enum smtp_code id, struct slice arg, struct buf *scratch);

/* Appends the reply as it goes on the wire: `250-2.1.0 a CRLF 250 2.1.0 b CRLF`. Bytes outside
 * printable ASCII become `?`, so that nothing in a text can begin a second reply; lines are cut to
 * RFC 5321 4.5.3.1.5's 512 octets. False when OUT's cap is reached (nothing appended). */
bool smtp_reply_write(const struct smtp_reply *reply, struct buf *out) MUST_CHECK;

#endif
