/* Numbers that never repeat: see idgen.h.
 *
 *            take, take, ...          half of the block left
 *   next ---------------------> limit  ====> reserve(limit + IDGEN_BLOCK) ... idgen_extend
 *
 * `limit` only rises, and a number is given out only when it lies below a limit that was durable
 * already: whatever the next start finds on disk is at or above it. When the block runs dry, takes
 * answer 0 without counting further (but for the few threads that pass the check together: their
 * numbers are skipped, never given out twice).
 * A reservation that failed is reported by idgen_extend with the old limit: the next take asks
 * again. Any thread may call anything; there is no lock. */
#include "base/idgen.h"

void idgen_init(struct idgen *gen, uint64_t first, uint64_t limit,
                void (*reserve)(struct idgen *gen, uint64_t new_limit), void *owner)
{
    /* 0 means "none" everywhere. */
    ASSERT(first > 0 && first <= limit);
    atomic_init(&gen->next, first);
    atomic_init(&gen->limit, limit);
    atomic_init(&gen->is_asking, false);
    gen->reserve = reserve;
    gen->owner = owner;
}

static bool needs_more(struct idgen *gen)
{
    uint64_t limit = atomic_load(&gen->limit);
    uint64_t next = atomic_load(&gen->next);
    return next >= limit || limit - next <= IDGEN_BLOCK / 2;
}

static void ask_if_needed(struct idgen *gen)
{
    if (!needs_more(gen) || atomic_exchange(&gen->is_asking, true))
        return;
    /* Another thread's reservation may have come and gone before the exchange. */
    if (needs_more(gen))
        gen->reserve(gen, atomic_load(&gen->limit) + IDGEN_BLOCK);
    else
        atomic_store(&gen->is_asking, false);
}

uint64_t idgen_take(struct idgen *gen)
{
    uint64_t number = 0;
    uint64_t limit = atomic_load(&gen->limit);
    if (atomic_load(&gen->next) < limit) {
        number = atomic_fetch_add(&gen->next, 1);
        if (number >= limit)
            number = 0;
    }
    ask_if_needed(gen);
    return number;
}

void idgen_extend(struct idgen *gen, uint64_t new_limit)
{
    ASSERT(new_limit >= atomic_load(&gen->limit));
    atomic_store(&gen->limit, new_limit);
    atomic_store(&gen->is_asking, false);
}
