/* The text of an API token: `pst_<id>_<secret>_<crc>`, read and written. Pure and bounded: it looks
 * at no more than TOKEN_TEXT_LEN bytes.
 *
 * The prefix lets scanners of repositories and logs find tokens, the check lets them tell a token
 * from a look-alike without asking us:
 *     id      8 signs, 40 bits, public: names the token in lists and in the audit
 *     secret  32 signs, 160 bits
 *     crc     7 signs, CRC-32C of all that stands before its underscore, big-endian
 * All signs are lower-case base32 (base32.h). One token has one text: nothing else is read. */
#ifndef POSTERN_CONFIG_TOKENS_TEXT_H
#define POSTERN_CONFIG_TOKENS_TEXT_H

#include <stdint.h>

#include "base/slice.h"

enum {
    TOKEN_ID_BYTES = 5,
    TOKEN_SECRET_BYTES = 20,
    TOKEN_ID_LEN = 8,
    TOKEN_TEXT_LEN = 4 + 8 + 1 + 32 + 1 + 7,
};

/* Writes TOKEN_TEXT_LEN signs and a NUL. */
void token_text_make(const uint8_t id[TOKEN_ID_BYTES], const uint8_t secret[TOKEN_SECRET_BYTES],
                     char ret_text[TOKEN_TEXT_LEN + 1]);
/* True: TEXT is a token by its form and its check; *ret_id is its id's signs, in TEXT. Whether it
 * is somebody's is not known here. */
bool token_text_parse(struct slice text, struct slice *ret_id) MUST_CHECK;

#endif
