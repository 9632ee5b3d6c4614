/* postern.db: see db.h.
 *
 * Schema: PRAGMA user_version is the number of the last migration; each migration and its number
 * are one transaction, so a crash leaves the old schema or the new one. PRAGMA application_id says
 * that the file is ours.
 *
 * 1, the configuration and the counters:
 *     objects(hash, json)                       each distinct object once, by SHA-256 of its JSON
 *     revisions(revision, created_ms, author, comment, confirm_by_ms)
 *     revision_items(revision, section, listener, key, position, hash)
 *         what an object is from this revision on; hash NULL: it is gone. A position orders the
 *         objects of a listener in ordered sections, others have 0.
 *     counters(kind, next)                      numbers below were or may have been given out
 * 2, who may do what, who did what, and what is staged (users.c, audit.c, draft.c):
 *     users(name, role, password, is_disabled, created_ms, password_ms)
 *     sessions(id, secret, user, …), tokens(id, secret, user, name, …)
 *         secret is the SHA-256 of what the user was given
 *     audit(number, …, previous, hash)          append-only, by triggers
 *     audit_head(one, number, hash)             the newest row of audit once more
 *     drafts, draft_items
 * 3, in what order items were staged: draft_items.number */
#include "config/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/store.h"

enum { APPLICATION_ID = 0x504f5354 /* POST */ };

static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE objects(hash BLOB NOT NULL PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE revisions(revision INTEGER NOT NULL PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " author TEXT NOT NULL, comment TEXT NOT NULL, confirm_by_ms INTEGER);"
    "CREATE TABLE revision_items(section TEXT NOT NULL, listener TEXT NOT NULL, key TEXT NOT NULL,"
    " revision INTEGER NOT NULL REFERENCES revisions, position INTEGER NOT NULL,"
    " hash BLOB REFERENCES objects, PRIMARY KEY(section, listener, key, revision)) WITHOUT ROWID;"
    "CREATE INDEX revision_items_by_revision ON revision_items(revision);"
    "CREATE TABLE counters(kind TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;",
    /* 2 */
    "CREATE TABLE users(name TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL,"
    " is_disabled INTEGER NOT NULL, created_ms INTEGER NOT NULL, password_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE sessions(id TEXT NOT NULL PRIMARY KEY, secret BLOB NOT NULL UNIQUE,"
    " user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,"
    " created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, proved_ms INTEGER NOT NULL,"
    " address TEXT NOT NULL, agent TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX sessions_by_user ON sessions(user);"
    "CREATE TABLE tokens(id TEXT NOT NULL PRIMARY KEY, secret BLOB NOT NULL,"
    " user TEXT NOT NULL REFERENCES users ON DELETE CASCADE, name TEXT NOT NULL,"
    " scopes TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " used_ms INTEGER NOT NULL, UNIQUE(user, name)) WITHOUT ROWID;"
    "CREATE TABLE audit(number INTEGER NOT NULL PRIMARY KEY, at_ms INTEGER NOT NULL,"
    " principal TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,"
    " outcome TEXT NOT NULL, detail TEXT NOT NULL, request TEXT NOT NULL, previous BLOB NOT NULL,"
    " hash BLOB NOT NULL);"
    "CREATE TABLE audit_head(one INTEGER NOT NULL PRIMARY KEY CHECK(one = 1),"
    " number INTEGER NOT NULL, hash BLOB NOT NULL);"
    "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN"
    " SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN"
    " SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TABLE drafts(id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL,"
    " is_default INTEGER NOT NULL, created_ms INTEGER NOT NULL, touched_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX drafts_default ON drafts(owner) WHERE is_default;"
    "CREATE TABLE draft_items(draft TEXT NOT NULL REFERENCES drafts ON DELETE CASCADE,"
    " section TEXT NOT NULL, listener TEXT NOT NULL, key TEXT NOT NULL, is_order INTEGER NOT NULL,"
    " base TEXT, value TEXT, PRIMARY KEY(draft, section, listener, key, is_order)) WITHOUT ROWID;",
    /* 3 */
    "ALTER TABLE draft_items ADD COLUMN number INTEGER NOT NULL DEFAULT 0;",
};

int db_error(struct store *store, struct error *reterr)
{
    int code = sqlite3_errcode(store->db) & 0xff;
    enum err err = ERR_DB;
    if (code == SQLITE_FULL)
        err = ERR_FULL;
    else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        err = ERR_INVALID;
    return error_set(reterr, err, "postern.db: %s", sqlite3_errmsg(store->db));
}

int db_run(struct store *store, const char *sql, struct error *reterr)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_error(store, reterr);
    return 0;
}

int db_prepare(struct store *store, const char *sql, sqlite3_stmt **ret_stmt, struct error *reterr)
{
    *ret_stmt = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, ret_stmt, NULL) != SQLITE_OK)
        return db_error(store, reterr);
    return 0;
}

void db_bind_text(sqlite3_stmt *stmt, int at, struct slice s)
{
    /* SQLITE_STATIC: every caller steps and resets before the text goes away. */
    (void)sqlite3_bind_text64(stmt, at, s.p == NULL ? "" : s.p, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

struct slice db_column_text(sqlite3_stmt *stmt, int at)
{
    const unsigned char *p = sqlite3_column_text(stmt, at);
    return slice_of(p == NULL ? "" : (const char *)p, (size_t)sqlite3_column_bytes(stmt, at));
}

int db_step_done(struct store *store, sqlite3_stmt *stmt, struct error *reterr)
{
    int r = 0;
    if (sqlite3_step(stmt) != SQLITE_DONE)
        r = db_error(store, reterr);
    (void)sqlite3_reset(stmt); /* repeats the step's result */
    return r;
}

int db_select(struct store *store, const char *sql, const struct db_value *values, size_t count,
              sqlite3_stmt **ret_stmt, struct error *reterr)
{
    int r = db_prepare(store, sql, ret_stmt, reterr);
    for (size_t i = 0; r == 0 && i < count; i++) {
        const struct db_value *value = &values[i];
        int at = (int)i + 1;
        if (value->kind == DB_VALUE_TEXT_OR_NULL && value->bytes.p == NULL)
            continue; /* what is not bound is NULL */
        if (value->kind == DB_VALUE_TEXT || value->kind == DB_VALUE_TEXT_OR_NULL)
            db_bind_text(*ret_stmt, at, value->bytes);
        else if (value->kind == DB_VALUE_BLOB) /* static for the same reason */
            (void)sqlite3_bind_blob64(*ret_stmt, at, value->bytes.p, value->bytes.len,
                                      SQLITE_STATIC);
        else
            (void)sqlite3_bind_int64(*ret_stmt, at, value->number);
    }
    return r;
}

int db_change(struct store *store, const char *sql, const struct db_value *values, size_t count,
              size_t *ret_changes, struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r = db_select(store, sql, values, count, &stmt, reterr);
    if (r == 0)
        r = db_step_done(store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    if (r == 0 && ret_changes != NULL)
        *ret_changes = (size_t)sqlite3_changes(store->db);
    return r;
}

int db_number(struct store *store, const char *sql, const struct db_value *values, size_t count,
              int64_t *ret_number, struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r = db_select(store, sql, values, count, &stmt, reterr);
    if (r == 0 && sqlite3_step(stmt) != SQLITE_ROW)
        r = db_error(store, reterr);
    if (r == 0)
        *ret_number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

void db_copy_text(sqlite3_stmt *stmt, int at, char *ret_text, size_t size_bytes)
{
    struct slice text = db_column_text(stmt, at);
    size_t len = text.len < size_bytes ? text.len : size_bytes - 1;
    memcpy(ret_text, text.p, len);
    ret_text[len] = '\0';
}

int db_begin(struct store *store, struct error *reterr)
{
    int r = db_run(store, store->depth == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT inner", reterr);
    if (r == 0)
        store->depth++;
    return r;
}

static int end_inner(struct store *store, int r, struct error *reterr)
{
    if (r == 0)
        r = db_run(store, "RELEASE inner", reterr);
    if (r < 0) /* fails only if SQLite has rolled back all of it already */
        (void)sqlite3_exec(store->db, "ROLLBACK TO inner; RELEASE inner", NULL, NULL, NULL);
    store->depth--;
    return r;
}

int db_end(struct store *store, int r, struct error *reterr)
{
    struct store_rider *rider = store->rider;
    ASSERT(store->depth > 0);
    if (store->depth > 1)
        return end_inner(store, r, reterr);
    if (r == 0 && rider != NULL)
        r = rider->write(rider, reterr);
    if (r == 0)
        r = db_run(store, "COMMIT", reterr);
    if (r < 0) /* fails only if SQLite has rolled back already */
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->depth = 0;
    if (r == 0 && rider != NULL) {
        rider->is_stored = true;
        store->rider = NULL;
    }
    return r;
}

int store_begin(struct store *store, struct error *reterr)
{
    return db_begin(store, reterr);
}

int store_end(struct store *store, int r, struct error *reterr)
{
    return db_end(store, r, reterr);
}

void store_set_rider(struct store *store, struct store_rider *rider)
{
    store->rider = rider;
}

int db_change_alone(struct store *store, const char *sql, const struct db_value *values,
                    size_t count, const char *missing, struct error *reterr)
{
    size_t changes = 0;
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = db_change(store, sql, values, count, &changes, reterr);
    if (r == 0 && changes == 0)
        r = error_set(reterr, ERR_NOT_FOUND, "%s", missing);
    return db_end(store, r, reterr);
}

static int read_pragma(struct store *store, const char *sql, int *ret_value, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int r = db_prepare(store, sql, &stmt, reterr);
    if (r == 0 && sqlite3_step(stmt) != SQLITE_ROW)
        r = db_error(store, reterr);
    if (r == 0)
        *ret_value = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

static int migrate(struct store *store, struct error *reterr)
{
    int version = 0, application = 0;
    int r = read_pragma(store, "PRAGMA user_version", &version, reterr);
    if (r == 0)
        r = read_pragma(store, "PRAGMA application_id", &application, reterr);
    if (r < 0)
        return r;
    if (application != APPLICATION_ID && (application != 0 || version != 0))
        return error_set(reterr, ERR_INVALID, "postern.db is a database of another program");
    if (version < 0 || (size_t)version > ARRAY_LEN(migrations))
        return error_set(reterr, ERR_INVALID,
                         "postern.db has schema %d, but this program knows only up to %zu: it was "
                         "used by a newer Postern; run that one or restore a backup",
                         version, ARRAY_LEN(migrations));
    for (size_t i = (size_t)version; i < ARRAY_LEN(migrations); i++) {
        char number[96];
        (void)snprintf(number, sizeof(number),
                       "PRAGMA user_version = %zu; PRAGMA application_id = %d", i + 1,
                       APPLICATION_ID);
        r = db_begin(store, reterr);
        if (r < 0)
            return r;
        r = db_run(store, migrations[i], reterr);
        if (r == 0)
            r = db_run(store, number, reterr);
        r = db_end(store, r, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Nobody else reads who may log in: SQLite's own files beside it get the mode of this one. */
static int make_private(const char *path, struct error *reterr)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "%s cannot be opened", path);
    int r = fchmod(fd, 0600);
    if (r < 0)
        r = error_set_errno(reterr, errno, "the mode of %s cannot be set", path);
    (void)close(fd); /* nothing was written */
    return r;
}

int store_open(const char *path, struct store **ret_store, struct error *reterr)
{
    int r = make_private(path, reterr);
    if (r < 0)
        return r;
    struct store *store = MEM_NEW(struct store);
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK) {
        r = store->db == NULL ? error_set(reterr, ERR_DB, "%s: cannot be opened", path)
                              : db_error(store, reterr);
        goto fail;
    }
    (void)sqlite3_busy_timeout(store->db, 5000); /* somebody reads it with the sqlite3 shell */
    r = db_run(store,
               "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
               "PRAGMA trusted_schema = OFF",
               reterr);
    if (r == 0)
        r = migrate(store, reterr);
    if (r < 0)
        goto fail;
    *ret_store = store;
    return 0;
fail:
    store_close(store);
    return r;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    (void)sqlite3_close(store->db); /* every statement is finalized */
    free(store);
}
