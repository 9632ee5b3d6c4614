/* Reading the audit and checking its chain: see audit.h. Owner thread: main. */
#include "config/audit_priv.h"
#include "config/db.h"

/* --- lists --- */

#define COLUMNS                                                                                    \
    "number, at_ms, principal, address, action, target, outcome, detail, request, previous, hash"

static struct slice copy(sqlite3_stmt *stmt, int at, struct mem_arena *arena)
{
    struct slice text = db_column_text(stmt, at);
    return slice_of(mem_arena_strndup(arena, text.p, text.len), text.len);
}

static void read_row(sqlite3_stmt *stmt, struct mem_arena *arena, struct audit_row *row)
{
    *row = (struct audit_row){
        .number = (uint64_t)sqlite3_column_int64(stmt, 0),
        .at_ms = sqlite3_column_int64(stmt, 1),
        .principal = copy(stmt, 2, arena),
        .address = copy(stmt, 3, arena),
        .action = copy(stmt, 4, arena),
        .target = copy(stmt, 5, arena),
        .outcome = audit_outcome_find(db_column_text(stmt, 6)),
        .detail = copy(stmt, 7, arena),
        .request = copy(stmt, 8, arena),
    };
    if (sqlite3_column_bytes(stmt, 10) == SHA256_BYTES)
        memcpy(row->hash, sqlite3_column_blob(stmt, 10), SHA256_BYTES);
}

/* Rows with LOW <= number < HIGH that pass the filter, newest first. */
static int select_rows(struct store *store, const struct audit_filter *filter, int64_t low,
                       int64_t high, size_t limit, sqlite3_stmt **ret_stmt, struct error *reterr)
{
    const char *outcome = filter->has_outcome ? audit_outcome_word(filter->outcome) : "";
    return db_select(store,
                     "SELECT " COLUMNS " FROM audit WHERE number >= ?1 AND number < ?2"
                     " AND (?3 = '' OR principal = ?3) AND (?4 = '' OR target = ?4)"
                     " AND (?5 = '' OR action = ?5 OR"
                     "      substr(action, 1, length(?5) + 1) = ?5 || '.')"
                     " AND (?6 = '' OR outcome = ?6) AND at_ms >= ?7 AND (?8 = 0 OR at_ms < ?8)"
                     " ORDER BY number DESC LIMIT ?9",
                     DB_VALUES(DB_NUMBER(low), DB_NUMBER(high), DB_TEXT(filter->principal),
                               DB_TEXT(filter->target), DB_TEXT(filter->action),
                               DB_TEXT(slice_str(outcome)), DB_NUMBER(filter->from_ms),
                               DB_NUMBER(filter->to_ms), DB_NUMBER((int64_t)limit)),
                     ret_stmt, reterr);
}

int audit_list(struct store *store, const struct audit_filter *filter, size_t limit,
               struct mem_arena *arena, struct audit_row **ret_rows, size_t *ret_count,
               uint64_t *ret_next, struct error *reterr)
{
    int64_t high = 0;
    size_t count = 0;
    sqlite3_stmt *stmt = NULL;
    ASSERT(limit >= 1 && limit <= AUDIT_LIST_MAX);
    int r =
        db_number(store, "SELECT coalesce(max(number), 0) + 1 FROM audit", NULL, 0, &high, reterr);
    if (filter->before != 0 && filter->before < (uint64_t)high)
        high = (int64_t)filter->before;
    int64_t low = high > AUDIT_SCAN_MAX ? high - AUDIT_SCAN_MAX : 1;
    if (r == 0)
        r = select_rows(store, filter, low, high, limit, &stmt, reterr);
    if (r < 0)
        return r;
    struct audit_row *rows = mem_arena_alloc(arena, limit * sizeof(*rows));
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && count < limit; step = sqlite3_step(stmt))
        read_row(stmt, arena, &rows[count++]);
    if (step != SQLITE_DONE)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    if (r < 0)
        return r;
    uint64_t next = count == limit ? rows[count - 1].number : (uint64_t)low;
    *ret_rows = rows;
    *ret_count = count;
    *ret_next = next > 1 ? next : 0;
    return 0;
}

/* --- the chain --- */

int audit_newest(struct store *store, uint64_t *ret_number, uint8_t ret_hash[SHA256_BYTES],
                 struct error *reterr)
{
    return audit_head(store, ret_number, ret_hash, reterr);
}

int audit_hash_at(struct store *store, uint64_t number, uint8_t ret_hash[SHA256_BYTES],
                  struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int r = db_select(store, "SELECT hash FROM audit WHERE number = ?1",
                      DB_VALUES(DB_NUMBER((int64_t)number)), &stmt, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == SHA256_BYTES)
        memcpy(ret_hash, sqlite3_column_blob(stmt, 0), SHA256_BYTES);
    else if (step == SQLITE_ROW || step == SQLITE_DONE)
        r = error_set(reterr, ERR_NOT_FOUND, "the audit has no row %llu",
                      (unsigned long long)number);
    else
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

static struct slice column_blob(sqlite3_stmt *stmt, int at)
{
    const char *p = sqlite3_column_blob(stmt, at);
    return p == NULL ? SLICE("") : slice_of(p, (size_t)sqlite3_column_bytes(stmt, at));
}

/* Whether the row follows the last one that fits; its hash then becomes check's. */
static bool fits(sqlite3_stmt *stmt, struct audit_check *check)
{
    uint8_t hash[SHA256_BYTES];
    struct audit_columns columns = {
        .number = sqlite3_column_int64(stmt, 0),
        .at_ms = sqlite3_column_int64(stmt, 1),
        .previous = column_blob(stmt, 9),
    };
    for (int i = 0; i < AUDIT_TEXTS; i++)
        columns.texts[i] = db_column_text(stmt, 2 + i);
    audit_columns_hash(&columns, hash);
    if (columns.number != (int64_t)check->checked + 1 ||
        !slice_eq(columns.previous, slice_of((const char *)check->hash, SHA256_BYTES)) ||
        !slice_eq(column_blob(stmt, 10), slice_of((const char *)hash, SHA256_BYTES)))
        return false;
    memcpy(check->hash, hash, sizeof(hash));
    return true;
}

/* All rows fit: is it all that there were? */
static int check_end(struct store *store, struct audit_check *check, struct error *reterr)
{
    uint64_t number = 0;
    uint8_t hash[SHA256_BYTES];
    int r = audit_head(store, &number, hash, reterr);
    if (r < 0)
        return r;
    check->is_done = true;
    if (number != check->checked || memcmp(hash, check->hash, SHA256_BYTES) != 0)
        check->broken = check->checked + 1;
    return 0;
}

int audit_check(struct store *store, struct audit_check *check, size_t max_rows,
                struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    /* At the start from the very lowest number: nobody may put a row before the first. */
    int64_t from = check->checked == 0 ? INT64_MIN : (int64_t)check->checked + 1;
    ASSERT(max_rows > 0 && !check->is_done);
    int r = db_select(store,
                      "SELECT " COLUMNS " FROM audit WHERE number >= ?1 ORDER BY number LIMIT ?2",
                      DB_VALUES(DB_NUMBER(from), DB_NUMBER((int64_t)max_rows)), &stmt, reterr);
    if (r < 0)
        return r;
    size_t seen = 0;
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && !check->is_done; step = sqlite3_step(stmt)) {
        seen++;
        check->is_done = !fits(stmt, check);
        if (check->is_done)
            check->broken = check->checked + 1;
        else
            check->checked++;
    }
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    if (r == 0 && seen < max_rows && !check->is_done)
        r = check_end(store, check, reterr);
    return r;
}
