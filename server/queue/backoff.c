/* The retry curve: see backoff.h.
 *
 * 60, 120, 240 ... 3600 s with the factory's bounce profile. The jitter keeps messages that failed
 * together from coming back together, and two gateways from knocking in step. */
#include "queue/backoff.h"

uint64_t backoff_delay_ms(uint64_t initial_ms, uint64_t max_ms, uint32_t attempts, uint64_t random)
{
    const uint64_t longest = UINT64_MAX / 4; /* keeps the sums below from wrapping */
    uint64_t delay = initial_ms == 0 ? 1 : initial_ms;
    if (max_ms > longest)
        max_ms = longest;
    if (delay > max_ms)
        delay = max_ms == 0 ? 1 : max_ms;
    for (uint32_t i = 1; i < attempts && delay < max_ms; i++)
        delay = delay > max_ms / 2 ? max_ms : delay * 2;
    uint64_t tenth = delay / 10;
    return delay - tenth + random % (2 * tenth + 1);
}
