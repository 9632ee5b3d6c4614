/* CRC-32C, polynomial 0x1edc6f41 reflected (0x82f63b78), initial value and final xor all ones:
 * the check value of "123456789" is 0xe3069283 (RFC 3720 B.4 has more).
 *
 * On x86-64 with SSE 4.2 the crc32 instruction does 8 bytes at a time; elsewhere eight tables of
 * 256 words do ("slicing by 8"), built once on first use. Both give the same numbers, so a spool
 * written on one machine is read on another. Thread-safe. */
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

#include "base/compiler.h"

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_build(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        tables[0][i] = crc;
    }
    for (int t = 1; t < 8; t++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = tables[t - 1][i];
            tables[t][i] = (crc >> 8) ^ tables[0][crc & 0xff];
        }
    }
}

uint32_t crc32c_portable(uint32_t crc, const void *p, size_t len)
{
    const unsigned char *at = p;
    int r = pthread_once(&tables_once, tables_build);
    ASSERT(r == 0);

    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; len > 0; at++, len--)
        crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

TARGET("sse4.2") static uint32_t with_instruction(uint32_t crc, const void *p, size_t len)
{
    const unsigned char *at = p;
    uint64_t wide = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        unsigned long long word;
        memcpy(&word, at, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; len > 0; at++, len--)
        narrow = __builtin_ia32_crc32qi(narrow, *at);
    return ~narrow;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
    if (__builtin_cpu_supports("sse4.2"))
        return with_instruction(crc, p, len);
    return crc32c_portable(crc, p, len);
}

#else

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
    return crc32c_portable(crc, p, len);
}

#endif
