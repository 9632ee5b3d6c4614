/* Numbers that never repeat (MID, ICID, DCID), whatever happens to the process.
 *
 * A block of IDGEN_BLOCK numbers is made durable before any of it is given out; the next block is
 * asked for at half use, off the loops. Taking a number is one atomic add, from any thread, and
 * numbers rise in order. If the next block is not durable yet when the current one is used up,
 * idgen_take returns 0 and the caller answers "try again". */
#ifndef POSTERN_BASE_IDGEN_H
#define POSTERN_BASE_IDGEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum { IDGEN_BLOCK = 65536 };

struct idgen {
    _Atomic uint64_t next;  /* next number to give out */
    _Atomic uint64_t limit; /* first number that is not durable */
    _Atomic bool is_asking; /* a reservation is under way */
    /* Asks for [limit, limit + IDGEN_BLOCK) to be made durable; must not block; idgen_extend is
     * called when it is. */
    void (*reserve)(struct idgen *gen, uint64_t new_limit);
    void *owner;
};

/* FIRST..LIMIT-1 are durable already. */
void idgen_init(struct idgen *gen, uint64_t first, uint64_t limit,
                void (*reserve)(struct idgen *gen, uint64_t new_limit), void *owner);
uint64_t idgen_take(struct idgen *gen) MUST_CHECK;
/* NEW_LIMIT is durable now; the old limit says that the reservation failed, and lets the next take
 * ask again. */
void idgen_extend(struct idgen *gen, uint64_t new_limit);

#endif
