/* postern.db as a SQLite handle: opened, migrated, and the few helpers that every file with
 * statements of its own uses (store.c, counters.c and those after them). Private to config/.
 *
 * Statements are prepared where they are used and finalized before the function returns: nothing
 * here is on a hot path, and so no statement outlives a failure. Blocks; owner thread: main. */
#ifndef POSTERN_CONFIG_DB_H
#define POSTERN_CONFIG_DB_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/slice.h"

struct store_rider;

struct store {
    sqlite3 *db;
    unsigned depth;            /* transactions begun, each in the one before */
    struct store_rider *rider; /* borrowed; NULL: nothing goes along */
};

/* What SQLite holds against the last call, as ERR_DB, ERR_FULL or ERR_INVALID. */
int db_error(struct store *store, struct error *reterr);
/* Statements without values or rows. */
int db_run(struct store *store, const char *sql, struct error *reterr) MUST_CHECK;
int db_prepare(struct store *store, const char *sql, sqlite3_stmt **ret_stmt,
               struct error *reterr) MUST_CHECK;
/* S must live until the statement is stepped and reset. */
void db_bind_text(sqlite3_stmt *stmt, int at, struct slice s);
/* Valid until the next step; never NULL. */
struct slice db_column_text(sqlite3_stmt *stmt, int at);
/* Runs a statement that gives no rows, and makes it ready for the next values. */
int db_step_done(struct store *store, sqlite3_stmt *stmt, struct error *reterr) MUST_CHECK;

/* A value for a statement's parameter, numbered from 1 in the order of DB_VALUES. */
struct db_value {
    enum { DB_VALUE_TEXT, DB_VALUE_TEXT_OR_NULL, DB_VALUE_BLOB, DB_VALUE_NUMBER } kind;
    struct slice bytes;
    int64_t number;
};
#define DB_TEXT(slice_)                                                                            \
    {                                                                                              \
        .kind = DB_VALUE_TEXT, .bytes = (slice_)                                                   \
    }
/* NULL in the database if the C string is NULL. */
#define DB_TEXT_OR_NULL(text_)                                                                     \
    {                                                                                              \
        .kind = DB_VALUE_TEXT_OR_NULL, .bytes = slice_str(text_)                                   \
    }
#define DB_BLOB(p_, len_)                                                                          \
    {                                                                                              \
        .kind = DB_VALUE_BLOB, .bytes = {(const char *)(p_), (len_) }                              \
    }
#define DB_NUMBER(number_)                                                                         \
    {                                                                                              \
        .kind = DB_VALUE_NUMBER, .number = (number_)                                               \
    }
#define DB_VALUES(...)                                                                             \
    (const struct db_value[]){__VA_ARGS__},                                                        \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
/* Prepares and binds; what the values point to must live until the last step. */
int db_select(struct store *store, const char *sql, const struct db_value *values, size_t count,
              sqlite3_stmt **ret_stmt, struct error *reterr) MUST_CHECK;
/* A statement that gives no rows; *ret_changes (may be NULL) is how many rows it changed. */
int db_change(struct store *store, const char *sql, const struct db_value *values, size_t count,
              size_t *ret_changes, struct error *reterr) MUST_CHECK;
/* The same as a transaction of its own. ERR_NOT_FOUND with the text MISSING (a literal): it changed
 * no row. */
int db_change_alone(struct store *store, const char *sql, const struct db_value *values,
                    size_t count, const char *missing, struct error *reterr) MUST_CHECK;
/* The number in the first row of a query that always gives one. */
int db_number(struct store *store, const char *sql, const struct db_value *values, size_t count,
              int64_t *ret_number, struct error *reterr) MUST_CHECK;
/* Copies at most SIZE - 1 bytes and a NUL: for columns that are no longer than that. */
void db_copy_text(sqlite3_stmt *stmt, int at, char *ret_text, size_t size_bytes);

/* One transaction: begin, then end with the result so far. End commits if R is 0, else rolls back
 * and returns R. One inside another is a part of it, which can be undone alone. Before the
 * outermost is committed the store's rider writes, so every action of an administrator is a
 * transaction. */
int db_begin(struct store *store, struct error *reterr) MUST_CHECK;
int db_end(struct store *store, int r, struct error *reterr) MUST_CHECK;

#endif
