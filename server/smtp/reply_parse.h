/* Reads the replies of a peer: multi-line, enhanced codes, any split of the bytes.
 *
 * Everything is capped (LIMIT_SMTP_REPLY_LINE, _LINES, _TOTAL) and linear. A bare LF ends a line as
 * CRLF does (old servers); a NUL or bare CR makes the reply bad, as do lines of one reply with
 * different codes and anything that does not begin with three digits 2..5, 0..5, 0..9.
 * RFC 5321 4.2, 4.2.1, 4.5.3.1.5; RFC 2034 3. Owner: the client that embeds it. */
#ifndef POSTERN_SMTP_REPLY_PARSE_H
#define POSTERN_SMTP_REPLY_PARSE_H

#include "smtp/reply.h"

struct smtp_reply_parser {
    struct buf line; /* the line being read, without its end */
    struct buf text; /* the finished lines without their codes, LF between them */
    size_t total_bytes;
    int code;
    unsigned lines;
    bool is_done; /* the last reply was handed out: the next byte begins a new one */
};

enum smtp_reply_result {
    SMTP_REPLY_MORE, /* all input taken, the reply is not complete */
    SMTP_REPLY_DONE,
    SMTP_REPLY_BAD, /* no SMTP reply, or over a cap: the connection cannot go on */
};

void smtp_reply_parser_init(struct smtp_reply_parser *p);
void smtp_reply_parser_finish(struct smtp_reply_parser *p);
/* Takes bytes from the start of *IN up to the end of one reply; *RET_REPLY is written on DONE and
 * lives until the next call. The first line's enhanced code is cut off its text; the same code is
 * cut off the further lines. */
enum smtp_reply_result smtp_reply_parser_feed(struct smtp_reply_parser *p, struct slice *in,
                                              struct smtp_reply *ret_reply) MUST_CHECK;
/* True when a reply has begun and not ended. */
bool smtp_reply_parser_is_inside(const struct smtp_reply_parser *p);

#endif
