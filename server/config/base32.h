/* Crockford's base32 (https://www.crockford.com/base32.html): bytes as signs that can be read aloud
 * and typed, without I, L, O and U. Used for secrets and their names, never for mail.
 *
 * Bits are taken from the front; the last sign's spare bits are zero, so each text has one value
 * and each value one text. Pure. */
#ifndef POSTERN_CONFIG_BASE32_H
#define POSTERN_CONFIG_BASE32_H

#include <stdint.h>

#include "base/slice.h"

/* Signs for that many bytes, without a NUL. */
#define BASE32_LEN(bytes) (((bytes)*8 + 4) / 5)

/* BASE32_LEN(len) lower-case signs and a NUL. */
void base32_encode(const uint8_t *bytes, size_t len, char *ret_text);
/* Exactly LEN bytes; strict: false on another length, another sign (upper case too) or spare bits
 * that are not zero. */
bool base32_decode(struct slice text, uint8_t *ret_bytes, size_t len) MUST_CHECK;

#endif
