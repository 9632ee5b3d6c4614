/* Replies of a peer are hostile: lines over LIMIT_SMTP_REPLY_LINE, more than LIMIT_SMTP_REPLY_LINES of
 * them, codes that change between lines and texts that are none are all "bad", in linear time. A code
 * without text is accepted (RFC 5321 4.2: clients should). */
#include "smtp/reply.h"

#include "base/limits.h"

static void clean(char *text)
{
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
}

void smtp_reply_set(struct smtp_reply *reply, int code, const char *enhanced, const char *fmt, ...)
{
    va_list args;

    reply->code = code;
    (void)snprintf(reply->enhanced, sizeof reply->enhanced, "%s", enhanced == NULL ? "" : enhanced);
    va_start(args, fmt);
    (void)vsnprintf(reply->text, sizeof reply->text, fmt, args);
    va_end(args);
    clean(reply->text);
}

void smtp_reply_append(const struct smtp_reply *reply, struct buf *out)
{
    (void)buf_printf(out, "%03d %s%s%s\r\n", reply->code, reply->enhanced,
                     reply->enhanced[0] == '\0' ? "" : " ", reply->text);
}

void smtp_reply_parser_init(struct smtp_reply_parser *p)
{
    *p = (struct smtp_reply_parser){0};
    buf_init(&p->text, LIMIT_SMTP_REPLY_TOTAL);
}

void smtp_reply_parser_finish(struct smtp_reply_parser *p)
{
    buf_finish(&p->text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `5.1.1 ` in front of the text: its length, or 0. RFC 3463 2. */
static size_t enhanced_length(struct slice text, int code)
{
    size_t i = 1, part;

    if (text.len < 5 || text.p[0] != (char)('0' + code / 100) || text.p[1] != '.')
        return 0;
    for (part = 0; part < 2; part++) {
        size_t digits = 0;
        if (i >= text.len || text.p[i] != '.')
            return 0;
        i++;
        while (i < text.len && digits < 3 && is_digit(text.p[i])) {
            i++;
            digits++;
        }
        if (digits == 0)
            return 0;
    }
    return i == text.len || text.p[i] == ' ' ? i : 0;
}

static bool take_line(struct smtp_reply_parser *p, struct slice line, bool *ret_is_last)
{
    if (line.len < 3 || !is_digit(line.p[0]) || !is_digit(line.p[1]) || !is_digit(line.p[2]))
        return false;
    int code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
    if (code < 200 || code > 599 || (p->lines > 0 && code != p->code))
        return false;
    if (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-')
        return false;
    p->code = code;
    *ret_is_last = line.len == 3 || line.p[3] == ' ';
    struct slice text = line.len > 4 ? slice_of(line.p + 4, line.len - 4) : slice_of("", 0);
    size_t len = enhanced_length(text, code);
    if (len > 0) {
        if (p->enhanced[0] == '\0')
            (void)snprintf(p->enhanced, sizeof p->enhanced, "%.*s", (int)len, text.p);
        text.p += len;
        text.len -= len;
        text = slice_trim(text);
    }
    if (p->lines++ > 0 && !buf_append_char(&p->text, '\n'))
        return false;
    return p->lines <= LIMIT_SMTP_REPLY_LINES && buf_append_slice(&p->text, text);
}

enum smtp_parse smtp_reply_parse(struct smtp_reply_parser *p, struct slice *input,
                                 struct smtp_peer_reply *ret_reply)
{
    for (;;) {
        size_t end = slice_find(*input, '\n');
        if (end == input->len)
            return end > LIMIT_SMTP_REPLY_LINE ? SMTP_PARSE_BAD : SMTP_PARSE_MORE;
        struct slice line = slice_of(input->p, end);
        input->p += end + 1;
        input->len -= end + 1;
        if (line.len > 0 && line.p[line.len - 1] == '\r')
            line.len--;
        if (p->lines == 0) {
            buf_clear(&p->text, LIMIT_SMTP_REPLY_LINE);
            p->enhanced[0] = '\0';
        }
        bool is_last = false;
        if (line.len > LIMIT_SMTP_REPLY_LINE || !take_line(p, line, &is_last))
            return SMTP_PARSE_BAD;
        if (!is_last)
            continue;
        p->lines = 0;
        *ret_reply = (struct smtp_peer_reply){
            .code = p->code,
            .enhanced = slice_str(p->enhanced),
            .text = buf_slice(&p->text),
        };
        return SMTP_PARSE_DONE;
    }
}
