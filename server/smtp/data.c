/* Decoder: whole lines are gathered into one slice as long as nothing has to be left out of it, so a
 * message without leading dots comes out in as few pieces as it came in. What may be the beginning of
 * CRLF or CRLF.CRLF at the end of the input is left there until more comes. */
#include "smtp/data.h"

void smtp_data_decoder_init(struct smtp_data_decoder *d)
{
    *d = (struct smtp_data_decoder){0};
}

/* Notes what must not be in LINE, which has no LF; HAS_END: CRLF or LF follows, its CR included. */
static void inspect(struct smtp_data_decoder *d, struct slice line, bool has_lf)
{
    bool ends_with_cr = line.len > 0 && line.p[line.len - 1] == '\r';
    size_t text_len = has_lf && ends_with_cr ? line.len - 1 : line.len;

    if (has_lf && !ends_with_cr)
        d->has_bare_lf = true;
    if (memchr(line.p, '\r', text_len) != NULL)
        d->has_bare_cr = true;
    if (memchr(line.p, '\0', line.len) != NULL)
        d->has_nul = true;
}

enum smtp_data_step smtp_data_decode(struct smtp_data_decoder *d, struct slice *input,
                                     struct slice *ret_bytes)
{
    size_t done = 0; /* input[0..done) is text to be handed out */
    const char *p = input->p;
    size_t len = input->len;

    while (done < len) {
        if (!d->is_in_line && p[done] == '.') {
            if (done > 0)
                break; /* hand out what stands before the dot first */
            if (len < 3 && (len == 1 || p[1] == '\r'))
                return SMTP_DATA_MORE;
            if (p[1] == '\r' && p[2] == '\n') {
                input->p += 3;
                input->len -= 3;
                return SMTP_DATA_END;
            }
            p = ++input->p; /* the dot that was put in: left out */
            len = --input->len;
            d->is_in_line = true;
            continue;
        }
        const char *lf = memchr(p + done, '\n', len - done);
        if (lf == NULL) {
            size_t end = p[len - 1] == '\r' ? len - 1 : len;
            inspect(d, slice_of(p + done, end - done), false);
            if (end > done)
                d->is_in_line = true;
            done = end;
            break;
        }
        struct slice line = slice_of(p + done, (size_t)(lf - (p + done)));
        inspect(d, line, true);
        d->is_in_line = !(line.len > 0 && line.p[line.len - 1] == '\r');
        done = (size_t)(lf - p) + 1;
    }
    if (done == 0)
        return SMTP_DATA_MORE;
    *ret_bytes = slice_of(p, done);
    input->p += done;
    input->len -= done;
    return SMTP_DATA_BYTES;
}

void smtp_data_encoder_init(struct smtp_data_encoder *e)
{
    *e = (struct smtp_data_encoder){0};
}

void smtp_data_encode(struct smtp_data_encoder *e, struct slice bytes, struct buf *out)
{
    const char *p = bytes.p, *end = bytes.p + bytes.len;

    while (p < end) {
        if (e->has_cr) {
            (void)buf_append_char(out, '\n'); /* its own LF, or the one that was missing */
            e->has_cr = e->is_in_line = false;
            if (*p == '\n') {
                p++;
                continue;
            }
        }
        if (!e->is_in_line && *p == '.')
            (void)buf_append_char(out, '.');
        const char *stop = p;
        /* As many whole lines as need no change. */
        for (;;) {
            size_t rest = (size_t)(end - stop);
            const char *cr = memchr(stop, '\r', rest);
            const char *lf = memchr(stop, '\n', cr == NULL ? rest : (size_t)(cr - stop));
            stop = lf != NULL ? lf : cr != NULL ? cr : end;
            if (stop + 2 < end && stop[0] == '\r' && stop[1] == '\n' && stop[2] != '.')
                stop += 2;
            else
                break;
        }
        e->is_in_line = e->is_in_line || stop > p;
        (void)buf_append(out, p, (size_t)(stop - p));
        p = stop;
        if (p == end)
            break;
        (void)buf_append_char(out, '\r');
        e->has_cr = true;
        if (*p == '\r')
            p++;
        else if (p + 1 == end) {
            /* a bare LF at the end of this piece: complete it now */
            (void)buf_append_char(out, '\n');
            e->has_cr = e->is_in_line = false;
            p++;
        }
    }
}

void smtp_data_encode_end(struct smtp_data_encoder *e, struct buf *out)
{
    if (e->has_cr)
        (void)buf_append_char(out, '\n');
    else if (e->is_in_line)
        (void)buf_append_str(out, "\r\n");
    (void)buf_append_str(out, ".\r\n");
    smtp_data_encoder_init(e);
}
