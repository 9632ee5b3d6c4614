/* Crockford's base32: see base32.h. */
#include "config/base32.h"

static const char SIGNS[] = "0123456789abcdefghjkmnpqrstvwxyz";

void base32_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        held = (held << 8 | bytes[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            *ret_text++ = SIGNS[held >> (bits - 5) & 31];
    }
    if (bits > 0)
        *ret_text++ = SIGNS[held << (5 - bits) & 31];
    *ret_text = '\0';
}

/* 0 to 31, or 32. Looks at every sign: texts may be secrets. */
static uint32_t value_of(char c)
{
    uint32_t value = 32;
    for (uint32_t i = 0; i < 32; i++)
        value = SIGNS[i] == c ? i : value;
    return value;
}

bool base32_decode(struct slice text, uint8_t *ret_bytes, size_t len)
{
    uint32_t held = 0, wrong = 0;
    unsigned bits = 0;
    if (text.len != BASE32_LEN(len))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value = value_of(text.p[i]);
        wrong |= value & 32;
        held = (held << 5 | (value & 31)) & 0xffff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            *ret_bytes++ = (uint8_t)(held >> bits);
        }
    }
    wrong |= held & ((1U << bits) - 1);
    return wrong == 0;
}
