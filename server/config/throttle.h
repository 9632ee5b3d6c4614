/* How long a login must wait after failed ones: a growing delay for each account and for each
 * address, in memory, sans-IO. A restart forgets it.
 *
 * An attempt is charged when it is let through, not when it has failed: so a thousand attempts at
 * once do not all pass before the first has failed. What came of it is said afterwards:
 *
 *     throttle_ask -> 0 -> verify -> right: throttle_succeeded | wrong: nothing
 *                  |             -> never verified (no worker free, gone): throttle_withdraw
 *                  -> N: answer 429 with Retry-After: N, whatever the password is
 *
 * The first THROTTLE_FREE_* attempts wait for nothing, each after them twice as long as the one
 * before up to THROTTLE_DELAY_*_MAX_S. A refused attempt is not charged. THROTTLE_FORGET_MS after
 * the last charge all is forgotten. The answer depends on the account's text only, not on whether
 * there is such an account. An IPv6 address counts as its /64. A peer without an address (the local
 * socket) is held against its account only.
 *
 * Both tables are bounded: when one is full, the entry with the fewest charges (of those the
 * oldest) makes room, so that a flood of new names does not wash away the one that is being
 * guessed. One owner thread. */
#ifndef POSTERN_CONFIG_THROTTLE_H
#define POSTERN_CONFIG_THROTTLE_H

#include <stdint.h>

#include "base/ip.h"

enum {
    THROTTLE_FREE_ACCOUNT = 3,
    THROTTLE_FREE_ADDRESS = 10, /* several people may come from one address */
    THROTTLE_DELAY_ACCOUNT_MAX_S =
        60, /* whoever keeps guessing also keeps the owner out this long */
    THROTTLE_DELAY_ADDRESS_MAX_S = 600,
    THROTTLE_FORGET_MS = 3600 * 1000,
    THROTTLE_ENTRIES_MAX = 4096, /* a table */
};

struct throttle;

struct throttle *throttle_create(void) MUST_CHECK;
void throttle_destroy(struct throttle *throttle);

/* 0: the attempt may be made, and is charged. Else the seconds to wait; the longer of the two.
 * NOW_MS is clock_mono_ms, here and below. ACCOUNT is the name as it was sent: ASCII case makes no
 * difference. ADDRESS may be NULL or of family 0. */
uint32_t throttle_ask(struct throttle *throttle, struct slice account, const struct ip *address,
                      uint64_t now_ms) MUST_CHECK;
/* The password was right: the account's charges are forgotten, the address's last one taken back.
 */
void throttle_succeeded(struct throttle *throttle, struct slice account, const struct ip *address);
/* The attempt was never made: one charge of each is taken back. */
void throttle_withdraw(struct throttle *throttle, struct slice account, const struct ip *address);

#endif
