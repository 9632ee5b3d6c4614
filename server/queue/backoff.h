/* How long to wait before the next attempt. Pure. */
#ifndef POSTERN_QUEUE_BACKOFF_H
#define POSTERN_QUEUE_BACKOFF_H

#include <stdint.h>

/* INITIAL, doubled with each failed attempt after the first (ATTEMPTS >= 1), at most MAX, then +-10
 * % by RANDOM (any 64-bit number). At least 1 ms. */
uint64_t backoff_delay_ms(uint64_t initial_ms, uint64_t max_ms, uint32_t attempts, uint64_t random);

#endif
