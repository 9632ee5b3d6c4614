/* One pass over message text: where is the next byte that could matter? Used by data.c only.
 *
 * CR, LF and NUL are all below 0x0e, and in mail nothing else down there is frequent but TAB. So
 * eight bytes at a time are tested for "any byte below 0x0e" and only a hit is looked at closely;
 * three memchr calls would read everything three times. The same loads tell whether a byte has its
 * top bit set. Plain C: the compiler makes vectors of it where it can. */
#ifndef POSTERN_SMTP_SCAN_H
#define POSTERN_SMTP_SCAN_H

#include <stdint.h>

#include "base/slice.h"

#define SCAN_ONES (UINT64_MAX / 255)
#define SCAN_TOPS (SCAN_ONES * 0x80)

/* Position of the first CR, LF or NUL at or behind FROM, or s.len. *TOPS collects the top bits of
 * the bytes before it. */
static inline size_t scan_special(struct slice s, size_t from, uint64_t *tops)
{
    size_t at = from;
    for (;;) {
        while (s.len - at >= 8) {
            uint64_t word;
            memcpy(&word, s.p + at, 8);
            if (((word - SCAN_ONES * 0x0e) & ~word & SCAN_TOPS) != 0)
                break;
            *tops |= word & SCAN_TOPS;
            at += 8;
        }
        /* A hit among the next eight bytes, or the rest. */
        size_t end = s.len - at > 8 ? at + 8 : s.len;
        for (; at < end; at++) {
            char c = s.p[at];
            if (c == '\r' || c == '\n' || c == '\0')
                return at;
            *tops |= (uint64_t)(unsigned char)c & 0x80;
        }
        if (at == s.len)
            return at;
    }
}

#endif
