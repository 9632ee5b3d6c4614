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
    sqlite3_stmt *stmt;
    int r = db_prepare(store, "SELECT next FROM counters WHERE kind = ?1", &stmt, reterr);
    if (r < 0)
        return r;
    db_bind_text(stmt, 1, slice_str(counter_name(kind)));
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        *ret_limit = (uint64_t)sqlite3_column_int64(stmt, 0);
    else if (step == SQLITE_DONE)
        *ret_limit = 1;
    else
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

int store_reserve_counter(struct store *store, enum store_counter kind, uint64_t new_limit,
                          struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r = db_prepare(store,
                       "INSERT INTO counters VALUES(?1, ?2)"
                       " ON CONFLICT(kind) DO UPDATE SET next = MAX(next, excluded.next)",
                       &stmt, reterr);
    if (r < 0)
        return r;
    db_bind_text(stmt, 1, slice_str(counter_name(kind)));
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)new_limit);
    r = db_step_done(store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}
