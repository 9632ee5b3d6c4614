/* Reads the replies of a peer: see reply_parse.h.
 *
 *   Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
 *                                                                        RFC 5321 4.2
 * A line of three digits alone ends a reply too, as the grammar and RFC 5321 4.2 ("be prepared for
 * servers that send just the code") want it. Bytes are collected until the line ends, so that each
 * is looked at twice at most; a line over its cap is refused as soon as it is, not when it ends.
 *
 * State: `code` 0 before the first line of a reply; `is_done` keeps the text of the last reply
 * until the next byte arrives. */
#include "smtp/reply_parse.h"

#include "base/limits.h"

void smtp_reply_parser_init(struct smtp_reply_parser *p)
{
    *p = (struct smtp_reply_parser){0};
    buf_init(&p->line, LIMIT_SMTP_REPLY_LINE);
    buf_init(&p->text, LIMIT_SMTP_REPLY_TOTAL);
}

void smtp_reply_parser_finish(struct smtp_reply_parser *p)
{
    if (p == NULL)
        return;
    buf_finish(&p->line);
    buf_finish(&p->text);
}

bool smtp_reply_parser_is_inside(const struct smtp_reply_parser *p)
{
    return !p->is_done && (p->lines > 0 || buf_len(&p->line) > 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of `class.subject.detail` at the start of TEXT when it fits CODE and a blank or the end
 * follows, else 0. RFC 3463 2 */
static size_t enhanced_len(struct slice text, int code)
{
    size_t at = 0;
    for (int part = 0; part < 3; part++) {
        size_t digits = 0;
        while (at + digits < text.len && is_digit(text.p[at + digits]))
            digits++;
        if (digits < 1 || digits > (part == 0 ? 1 : 3))
            return 0;
        at += digits;
        if (part < 2) {
            if (at == text.len || text.p[at] != '.')
                return 0;
            at++;
        }
    }
    if (at < text.len && text.p[at] != ' ')
        return 0;
    /* RFC 2034 4: the class must agree with the first digit of the code */
    return text.p[0] - '0' == code / 100 ? at : 0;
}

/* One whole line, without its end. */
static enum smtp_reply_result read_line(struct smtp_reply_parser *p, struct slice line)
{
    if (line.len < 3 || line.p[0] < '2' || line.p[0] > '5' || line.p[1] < '0' || line.p[1] > '5' ||
        !is_digit(line.p[2]))
        return SMTP_REPLY_BAD;
    if (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-')
        return SMTP_REPLY_BAD;
    if (slice_find(line, '\0') < line.len || slice_find(line, '\r') < line.len)
        return SMTP_REPLY_BAD;
    int code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
    /* RFC 5321 4.2.1: all lines of a reply have the same code */
    if (p->lines > 0 && code != p->code)
        return SMTP_REPLY_BAD;
    p->code = code;
    if (++p->lines > LIMIT_SMTP_REPLY_LINES)
        return SMTP_REPLY_BAD;
    struct slice text = line.len > 4 ? slice_of(line.p + 4, line.len - 4) : slice_of(line.p, 0);
    if ((p->lines > 1 && !buf_append_char(&p->text, '\n')) || !buf_append_slice(&p->text, text))
        return SMTP_REPLY_BAD;
    return line.len > 3 && line.p[3] == '-' ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

/* Cuts the enhanced code off every line that has it, in place: the text only gets shorter. */
static struct smtp_reply finish_reply(struct smtp_reply_parser *p)
{
    struct slice text = buf_slice(&p->text);
    struct smtp_reply reply = {.code = p->code, .text = text};
    size_t first_line = slice_find(text, '\n');
    size_t len = enhanced_len(slice_of(text.p, first_line), p->code);
    if (len == 0)
        return reply;
    /* The code itself stays at the front of the buffer, the rest is moved up behind it. */
    reply.enhanced = slice_of(text.p, len);
    char *start = p->text.data + p->text.start + len;
    char *to = start;
    struct slice rest = text;
    for (;;) {
        struct slice all = rest;
        struct slice line = slice_cut(&rest, '\n');
        bool is_last = line.len == all.len;
        if (line.len >= len && memcmp(line.p, reply.enhanced.p, len) == 0 &&
            enhanced_len(line, p->code) == len) {
            size_t cut = line.len > len ? len + 1 : len;
            line = slice_of(line.p + cut, line.len - cut);
        }
        memmove(to, line.p, line.len);
        to += line.len;
        if (is_last)
            break;
        *to++ = '\n';
    }
    reply.text = slice_of(start, (size_t)(to - start));
    return reply;
}

enum smtp_reply_result smtp_reply_parser_feed(struct smtp_reply_parser *p, struct slice *in,
                                              struct smtp_reply *ret_reply)
{
    if (in->len == 0)
        return SMTP_REPLY_MORE;
    if (p->is_done) {
        p->is_done = false;
        p->code = 0;
        p->lines = 0;
        p->total_bytes = 0;
        buf_clear(&p->text, 1024);
        buf_clear(&p->line, 1024);
    }
    while (in->len > 0) {
        size_t end = slice_find(*in, '\n');
        bool has_end = end < in->len;
        size_t take = has_end ? end + 1 : end;
        p->total_bytes += take;
        if (p->total_bytes > LIMIT_SMTP_REPLY_TOTAL || !buf_append(&p->line, in->p, take))
            return SMTP_REPLY_BAD;
        *in = slice_of(in->p + take, in->len - take);
        if (!has_end)
            break;
        struct slice line = buf_slice(&p->line);
        line.len--;
        if (line.len > 0 && line.p[line.len - 1] == '\r')
            line.len--;
        enum smtp_reply_result r = read_line(p, line);
        buf_clear(&p->line, 1024);
        if (r == SMTP_REPLY_BAD)
            return r;
        if (r == SMTP_REPLY_DONE) {
            p->is_done = true;
            *ret_reply = finish_reply(p);
            return r;
        }
    }
    return SMTP_REPLY_MORE;
}
