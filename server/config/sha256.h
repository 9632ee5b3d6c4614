/* SHA-256 (FIPS 180-4) of bytes in memory: the name of a stored object. */
#ifndef POSTERN_CONFIG_SHA256_H
#define POSTERN_CONFIG_SHA256_H

#include <stdint.h>

#include "base/slice.h"

enum { SHA256_BYTES = 32 };

void sha256(struct slice bytes, uint8_t ret_hash[SHA256_BYTES]);

#endif
