/* Replies as values and on the wire: see reply.h.
 *
 * The texts are codes.def's. Writing makes one line of each LF-separated part, each with the code
 * and the enhanced code (RFC 2034 4), the last with a space behind the code and the others with a
 * hyphen (RFC 5321 4.2.1). What a text may hold is decided here alone: printable ASCII. */
#include "smtp/reply.h"

#include <stdint.h>

static const struct smtp_reply replies[] = {
#define SMTP_CODE(name, code_, enhanced_, text_)                                                   \
    {.code = (code_),                                                                              \
     .enhanced = {.p = (enhanced_), .len = sizeof(enhanced_) - 1},                                 \
     .text = {.p = (text_), .len = sizeof(text_) - 1}},
#include "smtp/codes.def"
#undef SMTP_CODE
};

enum {
    LINE_MAX_BYTES = 512,   /* RFC 5321 4.5.3.1.5, CRLF included */
    ENHANCED_MAX_BYTES = 9, /* `5.999.999`, RFC 3463 2 */
};

struct smtp_reply smtp_code_reply(enum smtp_code id)
{
    ASSERT((size_t)id < ARRAY_LEN(replies));
    return replies[id];
}

struct smtp_reply smtp_code_format(enum smtp_code id, struct slice arg, struct buf *scratch)
{
    struct smtp_reply reply = smtp_code_reply(id);
    struct slice behind = reply.text;
    struct slice before = slice_cut(&behind, '%');
    if (before.len == reply.text.len)
        return reply;
    buf_clear(scratch, SIZE_MAX);
    bool is_put = buf_append_slice(scratch, before) && buf_append_slice(scratch, arg) &&
                  buf_append_slice(scratch, behind);
    ASSERT(is_put);
    reply.text = buf_slice(scratch);
    return reply;
}

/* At most SIZE bytes of TEXT, made harmless; returns how many. */
static size_t put_text(char *to, size_t size, struct slice text)
{
    size_t at = 0;
    for (; at < text.len && at < size; at++)
        to[at] = text.p[at] >= ' ' && text.p[at] <= '~' ? text.p[at] : '?';
    return at;
}

/* One line; SEPARATOR is `-` or a space. */
static void write_line(const struct smtp_reply *reply, struct slice text, char separator,
                       struct buf *out)
{
    char line[LINE_MAX_BYTES];
    line[0] = (char)('0' + reply->code / 100);
    line[1] = (char)('0' + reply->code / 10 % 10);
    line[2] = (char)('0' + reply->code % 10);
    line[3] = separator;
    size_t at = 4;
    if (reply->enhanced.len > 0) {
        at += put_text(line + at, ENHANCED_MAX_BYTES, reply->enhanced);
        line[at++] = ' ';
    }
    at += put_text(line + at, LINE_MAX_BYTES - 2 - at, text);
    line[at++] = '\r';
    line[at++] = '\n';
    bool is_put = buf_append(out, line, at);
    ASSERT(is_put);
}

bool smtp_reply_write(const struct smtp_reply *reply, struct buf *out)
{
    ASSERT(reply->code >= 200 && reply->code <= 599);
    struct buf lines;
    buf_init(&lines, 0);
    struct slice rest = reply->text;
    do {
        struct slice all = rest;
        struct slice line = slice_cut(&rest, '\n');
        bool is_last = line.len == all.len || rest.len == 0;
        write_line(reply, line, is_last ? ' ' : '-', &lines);
    } while (rest.len > 0);
    bool is_put = buf_append_slice(out, buf_slice(&lines));
    buf_finish(&lines);
    return is_put;
}
