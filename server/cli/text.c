/* See text.h. */
#include "cli/text.h"

#include <stdint.h>

struct range {
    uint32_t first, last;
};

/* Format characters that show nothing, or change how others are shown (Unicode 15, general category
 * Cf and the separators Zl, Zp). */
static const struct range hidden[] = {
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

/* Marks that stand on the letter before them. */
static const struct range marks[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},   {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},   {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

/* East Asian Width W and F (Unicode 15, UAX 11), in blocks. */
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* The character at the beginning of TEXT, which is not empty; its length in bytes, 0 if it is none
 * (RFC 3629 4: no surrogates, nothing longer than needed, nothing over U+10FFFF). */
static size_t decode(struct slice text, uint32_t *ret_c)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t c = len == 1 ? p[0] : len == 0 ? 0 : p[0] & (0xffU >> (len + 1));

    if (len == 0 || p[0] > 0xf4 || text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fU);
    }
    bool is_short = (len == 3 && c < 0x800) || (len == 4 && c < 0x10000);
    if (is_short || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return 0;
    *ret_c = c;
    return len;
}

static void show_hidden(struct buf *out, uint32_t c)
{
    if (c == '\n')
        (void)buf_append_str(out, "\\n");
    else if (c == '\t')
        (void)buf_append_str(out, "\\t");
    else if (c < 0x100)
        (void)buf_printf(out, "\\x%02x", (unsigned)c);
    else
        (void)buf_printf(out, "\\u%04x", (unsigned)c);
}

static void show(struct buf *out, struct slice text, bool keeps_lines)
{
    while (text.len > 0) {
        uint32_t c = 0;
        size_t len = decode(text, &c);
        bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        if (len == 0)
            (void)buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text.p[0]);
        else if (keeps_lines && c == '\n')
            (void)buf_append_char(out, '\n');
        else if (is_control || is_in(c, hidden, ARRAY_LEN(hidden)))
            show_hidden(out, c);
        else
            (void)buf_append(out, text.p, len);
        len += len == 0 ? 1 : 0;
        text = slice_of(text.p + len, text.len - len);
    }
}

void cli_text_show(struct buf *out, struct slice text)
{
    show(out, text, false);
}

void cli_text_show_lines(struct buf *out, struct slice text)
{
    show(out, text, true);
}

/* Columns of the character at the beginning, and its bytes. */
static size_t step(struct slice text, size_t *ret_columns)
{
    uint32_t c = 0;
    size_t len = decode(text, &c);

    *ret_columns = is_in(c, marks, ARRAY_LEN(marks)) ? 0 : is_in(c, wide, ARRAY_LEN(wide)) ? 2 : 1;
    return len == 0 ? 1 : len;
}

size_t cli_text_fit(struct slice shown, size_t width)
{
    size_t used = 0, at = 0, columns;

    while (at < shown.len) {
        size_t len = step(slice_of(shown.p + at, shown.len - at), &columns);
        if (used + columns > width)
            break;
        used += columns;
        at += len;
    }
    return at;
}

size_t cli_text_width(struct slice shown)
{
    size_t used = 0, columns;

    while (shown.len > 0) {
        size_t len = step(shown, &columns);
        used += columns;
        shown = slice_of(shown.p + len, shown.len - len);
    }
    return used;
}

bool cli_text_is_utf8(struct slice text)
{
    while (text.len > 0) {
        uint32_t c;
        size_t len = decode(text, &c);
        if (len == 0)
            return false;
        text = slice_of(text.p + len, text.len - len);
    }
    return true;
}
