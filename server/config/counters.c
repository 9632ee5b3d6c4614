/* The durable counters in postern.db: see store.h. Owner thread: main. */
#include "config/db.h"
#include "config/store.h"

static const char *counter_name(enum store_counter kind)
{
    switch (kind) {
    case STORE_COUNTER_MID:
        return "mid";
    case STORE_COUNTER_ICID:
        return "icid";
    case STORE_COUNTER_DCID:
        return "dcid";
    }
    ASSERT(false); /* no such counter */
}

int store_counter_limit(struct store *store, enum store_counter kind, uint64_t *ret_limit,
                        struct error *reterr)
{
    int64_t next;
    int r = db_number(store, "SELECT COALESCE((SELECT next FROM counters WHERE kind = ?1), 1)",
                      DB_VALUES(DB_TEXT(slice_str(counter_name(kind)))), &next, reterr);
    if (r == 0)
        *ret_limit = (uint64_t)next;
    return r;
}

int store_reserve_counter(struct store *store, enum store_counter kind, uint64_t new_limit,
                          struct error *reterr)
{
    return db_change(
        store,
        "INSERT INTO counters VALUES(?1, ?2)"
        " ON CONFLICT(kind) DO UPDATE SET next = MAX(next, excluded.next)",
        DB_VALUES(DB_TEXT(slice_str(counter_name(kind))), DB_NUMBER((int64_t)new_limit)), NULL,
        reterr);
}
