/* Fuzz target: the text of a message. Byte 0 is the size of the pieces.
 *
 * Properties: the encoded form of any bytes decodes, in any pieces, to the bytes with every line
 * end made CRLF, with nothing left over and nothing bare; decoding the bytes themselves gives the
 * same notes and the same text in any pieces. */
#include "fuzz_target.h"

#include "smtp/data.h"

/* How far DECODER came in S; the runs go to OUT. */
static size_t decode(struct smtp_data_decoder *d, struct slice s, size_t cut, struct buf *out)
{
    smtp_data_decoder_init(d);
    for (size_t at = 0; at < s.len;) {
        struct slice piece = slice_of(s.p + at, s.len - at < cut ? s.len - at : cut);
        at += piece.len;
        while (piece.len > 0) {
            struct slice run;
            bool is_end = smtp_data_decode(d, &piece, &run);
            ASSERT(buf_append_slice(out, run));
            if (is_end)
                return at - piece.len;
        }
    }
    return s.len;
}

static void check_encoder(struct slice s, size_t cut)
{
    struct smtp_data_encoder e;
    struct smtp_data_decoder d;
    struct buf wire, back, plain;
    buf_init(&wire, 0);
    buf_init(&back, 0);
    buf_init(&plain, 0);
    smtp_data_encoder_init(&e);
    for (size_t at = 0; at < s.len; at += cut)
        smtp_data_encode(&e, slice_of(s.p + at, s.len - at < cut ? s.len - at : cut), &wire);
    smtp_data_encode_end(&e, &wire);
    for (size_t i = 0; i < s.len; i++) {
        bool is_end = s.p[i] == '\r' || s.p[i] == '\n';
        if (s.p[i] == '\r' && i + 1 < s.len && s.p[i + 1] == '\n')
            i++;
        ASSERT(is_end ? buf_append_str(&plain, "\r\n") : buf_append_char(&plain, s.p[i]));
    }
    struct slice p = buf_slice(&plain);
    if (p.len > 0 && p.p[p.len - 1] != '\n')
        ASSERT(buf_append_str(&plain, "\r\n"));
    ASSERT(decode(&d, buf_slice(&wire), cut, &back) == buf_len(&wire));
    ASSERT(d.state == SMTP_DATA_STATE_END && !d.has_bare_cr && !d.has_bare_lf);
    ASSERT(slice_eq(buf_slice(&back), buf_slice(&plain)));
    buf_finish(&wire);
    buf_finish(&back);
    buf_finish(&plain);
}

static void check_decoder(struct slice s, size_t cut)
{
    struct smtp_data_decoder whole, pieces;
    struct buf a, b;
    buf_init(&a, 0);
    buf_init(&b, 0);
    size_t whole_len = decode(&whole, s, SIZE_MAX, &a);
    ASSERT(decode(&pieces, s, cut, &b) == whole_len && pieces.state == whole.state);
    ASSERT(whole.has_bare_cr == pieces.has_bare_cr && whole.has_bare_lf == pieces.has_bare_lf);
    ASSERT(whole.has_nul == pieces.has_nul && whole.has_8bit == pieces.has_8bit);
    ASSERT(slice_eq(buf_slice(&a), buf_slice(&b)));
    /* Only CRLF.CRLF, or .CRLF at the very start, ends it. */
    if (whole.state == SMTP_DATA_STATE_END)
        ASSERT(whole_len == 3 ? memcmp(s.p, ".\r\n", 3) == 0
                              : whole_len >= 5 && memcmp(s.p + whole_len - 5, "\r\n.\r\n", 5) == 0);
    buf_finish(&a);
    buf_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice s = slice_of((const char *)data + 1, size - 1);
    check_encoder(s, data[0] == 0 ? 1 : data[0]);
    check_decoder(s, data[0] == 0 ? 1 : data[0]);
    return 0;
}
