/* The text of a message on the wire, both ways.
 *
 * Decoder: only CRLF.CRLF ends DATA; a dot that begins a line is taken off; bare CR, bare LF, NUL
 * and 8-bit bytes are noted, never repaired. Zero copy: what it gives out are slices of its input.
 * Once a bare CR or LF was seen the slices are no longer the message; the caller refuses it.
 * Encoder: puts a dot before each line that begins with one, turns a bare CR or LF (which Postern
 * never stores, but a text may come from elsewhere) into CRLF, and ends with CRLF.CRLF.
 * Any split of the input gives the same bytes. RFC 5321 2.3.8, 4.1.1.4, 4.5.2. */
#ifndef POSTERN_SMTP_DATA_H
#define POSTERN_SMTP_DATA_H

#include "base/buf.h"

enum smtp_data_state {
    SMTP_DATA_STATE_LINE_START, /* after CRLF, and at the very start */
    SMTP_DATA_STATE_IN_LINE,
    SMTP_DATA_STATE_CR,     /* a CR whose LF has not come yet */
    SMTP_DATA_STATE_DOT,    /* a dot began the line; it was not given out */
    SMTP_DATA_STATE_DOT_CR, /* the same and a CR, not given out either */
    SMTP_DATA_STATE_END,    /* CRLF.CRLF was seen */
};

struct smtp_data_decoder {
    enum smtp_data_state state;
    bool has_bare_cr, has_bare_lf, has_nul, has_8bit;
};

void smtp_data_decoder_init(struct smtp_data_decoder *d);
/* Takes bytes from the start of *IN and gives out one run of the message (may be empty), a slice of
 * *IN. Call until *IN is empty or it returns true: the end was seen, *IN holds what follows. */
bool smtp_data_decode(struct smtp_data_decoder *d, struct slice *in, struct slice *ret_run);

struct smtp_data_encoder {
    bool is_in_line; /* something stands on the line already */
    bool has_cr;     /* a CR came last and waits for its LF */
};

void smtp_data_encoder_init(struct smtp_data_encoder *e);
/* Appends the encoded form of BODY to OUT, which must have no cap. */
void smtp_data_encode(struct smtp_data_encoder *e, struct slice body, struct buf *out);
/* Appends the end: CRLF when the last line has none, and `.CRLF`. */
void smtp_data_encode_end(struct smtp_data_encoder *e, struct buf *out);

#endif
