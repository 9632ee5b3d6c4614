/* CRC-32C (Castagnoli), as iSCSI and ext4 use it: guards every spool record. */
#ifndef POSTERN_BASE_CRC32C_H
#define POSTERN_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues CRC over more bytes; start with 0. Uses the processor's instruction where it has one.
 */
uint32_t crc32c(uint32_t crc, const void *p, size_t len);
/* The same without the instruction: a test holds the two against each other. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t len);

#endif
