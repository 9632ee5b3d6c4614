/* The text of a message on the wire: see data.h.
 *
 * Decoder, one state a byte could be in (CR = 0x0d, LF = 0x0a; . is the dot that is not given out):
 *
 *   LINE_START --.--> DOT --CR--> DOT_CR --LF--> END
 *       |  ^           |            `--CR--> CR   (the first CR was bare)
 *       |  |           |            `--else--> IN_LINE (bare CR)
 *       v  LF          `--else--> IN_LINE (unstuffed)
 *   IN_LINE --CR--> CR --else--> IN_LINE (bare CR)
 *       `--LF: bare LF, stays IN_LINE: a line so ended begins none, so LF.LF, LF.CRLF and their
 *              kin end nothing (RFC 5321 4.1.1.4: "only CRLF.CRLF")
 *
 * A run that is given out is one slice of the input: it ends where a dot has to be left out, or at
 * the input's end. CR is given out as soon as it is seen, for it is part of the message whatever
 * follows; only a dot at a line's start, and a CR behind it, are held back, and both are dropped or
 * refused later, so nothing from an earlier input is ever needed again. */
#include "smtp/data.h"

#include "smtp/scan.h"

void smtp_data_decoder_init(struct smtp_data_decoder *d)
{
    *d = (struct smtp_data_decoder){.state = SMTP_DATA_STATE_LINE_START};
}

/* The state behind byte C when no run may begin yet: at a line's start or behind its dot. Returns
 * true when C belongs to the message (it is then looked at again as part of a line). */
static bool begins_run(struct smtp_data_decoder *d, char c)
{
    switch (d->state) {
    case SMTP_DATA_STATE_LINE_START:
        if (c == '.') {
            d->state = SMTP_DATA_STATE_DOT;
            return false;
        }
        break;
    case SMTP_DATA_STATE_DOT:
        if (c == '\r') {
            d->state = SMTP_DATA_STATE_DOT_CR;
            return false;
        }
        break; /* RFC 5321 4.5.2: the first dot is deleted when something follows it */
    case SMTP_DATA_STATE_DOT_CR:
        if (c == '\n') {
            d->state = SMTP_DATA_STATE_END;
            return false;
        }
        d->has_bare_cr = true;
        break;
    case SMTP_DATA_STATE_IN_LINE:
    case SMTP_DATA_STATE_CR:
        return true;
    case SMTP_DATA_STATE_END:
        return false;
    }
    d->state = SMTP_DATA_STATE_IN_LINE;
    return true;
}

/* Special byte C inside a line (CR, LF or NUL). */
static void note_special(struct smtp_data_decoder *d, char c)
{
    bool is_behind_cr = d->state == SMTP_DATA_STATE_CR;
    switch (c) {
    case '\n':
        if (is_behind_cr) {
            d->state = SMTP_DATA_STATE_LINE_START;
            return;
        }
        d->has_bare_lf = true;
        break;
    case '\r':
        d->has_bare_cr = d->has_bare_cr || is_behind_cr;
        d->state = SMTP_DATA_STATE_CR;
        return;
    default:
        d->has_nul = true;
        d->has_bare_cr = d->has_bare_cr || is_behind_cr;
        break;
    }
    d->state = SMTP_DATA_STATE_IN_LINE;
}

/* Length of the run at the start of S, which begins inside a line. */
static size_t run_len(struct smtp_data_decoder *d, struct slice s)
{
    uint64_t tops = 0;
    size_t at = 0;
    while (at < s.len) {
        if (d->state == SMTP_DATA_STATE_LINE_START) {
            if (s.p[at] == '.')
                break;
            d->state = SMTP_DATA_STATE_IN_LINE;
        }
        if (d->state == SMTP_DATA_STATE_CR && s.p[at] != '\n' && s.p[at] != '\r') {
            d->has_bare_cr = true;
            d->state = SMTP_DATA_STATE_IN_LINE;
        }
        at = scan_special(s, at, &tops);
        if (at == s.len)
            break;
        note_special(d, s.p[at]);
        at++;
    }
    d->has_8bit = d->has_8bit || tops != 0;
    return at;
}

bool smtp_data_decode(struct smtp_data_decoder *d, struct slice *in, struct slice *ret_run)
{
    *ret_run = *in;
    if (in->len == 0)
        return d->state == SMTP_DATA_STATE_END;
    size_t skip = 0;
    while (skip < in->len && d->state != SMTP_DATA_STATE_END && !begins_run(d, in->p[skip]))
        skip++;
    *in = slice_of(in->p + skip, in->len - skip);
    *ret_run = slice_of(in->p, 0);
    if (d->state == SMTP_DATA_STATE_END)
        return true;
    size_t len = run_len(d, *in);
    ret_run->len = len;
    *in = slice_of(in->p + len, in->len - len);
    return false;
}

/* --- encoder --- */

void smtp_data_encoder_init(struct smtp_data_encoder *e)
{
    *e = (struct smtp_data_encoder){0};
}

static void put(struct buf *out, struct slice s)
{
    bool is_put = buf_append_slice(out, s);
    ASSERT(is_put);
}

/* CR, LF or both became one line end. */
static void put_line_end(struct smtp_data_encoder *e, struct buf *out)
{
    put(out, SLICE("\r\n"));
    e->is_in_line = false;
    e->has_cr = false;
}

/* The lines of S up to the first line end that is not CRLF inside S, or a line that begins with a
 * dot: what can be copied as it stands. */
static size_t plain_len(const struct smtp_data_encoder *e, struct slice s, bool *ret_is_in_line)
{
    bool is_in_line = e->is_in_line;
    uint64_t tops = 0;
    size_t at = 0;
    while (at < s.len) {
        if (!is_in_line && s.p[at] == '.')
            break;
        size_t special = scan_special(s, at, &tops);
        is_in_line = is_in_line || special > at;
        at = special;
        if (at == s.len)
            break;
        if (s.p[at] == '\0') {
            is_in_line = true;
            at++;
        } else if (s.p[at] == '\r' && at + 1 < s.len && s.p[at + 1] == '\n') {
            is_in_line = false;
            at += 2;
        } else {
            break;
        }
    }
    *ret_is_in_line = is_in_line;
    return at;
}

void smtp_data_encode(struct smtp_data_encoder *e, struct slice body, struct buf *out)
{
    size_t at = 0;
    while (at < body.len) {
        char c = body.p[at];
        if (e->has_cr) {
            /* RFC 5321 2.3.8: CR and LF leave together or not at all. */
            at += c == '\n' ? 1 : 0;
            put_line_end(e, out);
            continue;
        }
        bool is_in_line = e->is_in_line;
        struct slice rest = slice_of(body.p + at, body.len - at);
        size_t len = plain_len(e, rest, &is_in_line);
        put(out, slice_of(rest.p, len));
        at += len;
        e->is_in_line = is_in_line;
        if (at == body.len)
            return;
        switch (body.p[at]) {
        case '\r':
            e->has_cr = true;
            break;
        case '\n':
            put_line_end(e, out);
            break;
        default: /* RFC 5321 4.5.2: a line that begins with a dot gets another one */
            put(out, SLICE(".."));
            e->is_in_line = true;
            break;
        }
        at++;
    }
}

void smtp_data_encode_end(struct smtp_data_encoder *e, struct buf *out)
{
    if (e->has_cr || e->is_in_line)
        put_line_end(e, out);
    put(out, SLICE(".\r\n"));
    smtp_data_encoder_init(e);
}
