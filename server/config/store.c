/* The revisions in postern.db: see store.h. Owner thread: main.
 *
 * A commit stores what it changed: the state at revision N is, for each (section, listener, key),
 * the row with the greatest revision <= N (db.c has the tables). */
#include "config/store.h"

#include "config/config_priv.h"
#include "config/db.h"
#include "config/sha256.h"

/* A row of revision_items is a change if the object's JSON differs from that of the row before it;
 * if only places differ, the listener's order counts as one. */
#define REVISION_COLUMNS                                                                           \
    "SELECT revision, created_ms, author, comment, confirm_by_ms,"                                 \
    " (WITH rows(listener, section, is_new) AS (SELECT i.listener, i.section, i.hash IS NOT"       \
    " (SELECT p.hash FROM revision_items p WHERE p.section = i.section AND p.listener ="           \
    " i.listener AND p.key = i.key AND p.revision < i.revision ORDER BY p.revision DESC LIMIT 1)"  \
    " FROM revision_items i WHERE i.revision = revisions.revision)"                                \
    " SELECT COALESCE(SUM(n), 0) FROM (SELECT CASE WHEN MAX(is_new) THEN SUM(is_new) ELSE 1 END n" \
    " FROM rows GROUP BY section, listener)) FROM revisions"

static void read_revision(sqlite3_stmt *stmt, struct store_revision *ret_revision)
{
    *ret_revision = (struct store_revision){
        .revision = (uint64_t)sqlite3_column_int64(stmt, 0),
        .created_ms = sqlite3_column_int64(stmt, 1),
        .confirm_by_ms = sqlite3_column_int64(stmt, 4),
        .change_count = (size_t)sqlite3_column_int64(stmt, 5),
    };
    (void)snprintf(ret_revision->author, sizeof(ret_revision->author), "%s",
                   db_column_text(stmt, 2).p);
    (void)snprintf(ret_revision->comment, sizeof(ret_revision->comment), "%s",
                   db_column_text(stmt, 3).p);
}

int store_list_revisions(struct store *store, uint64_t before, size_t limit,
                         struct store_revision *ret_revisions, struct error *reterr)
{
    sqlite3_stmt *stmt;
    int count = 0;
    int r = db_prepare(store,
                       REVISION_COLUMNS " WHERE ?1 = 0 OR revision < ?1"
                                        " ORDER BY revision DESC LIMIT ?2",
                       &stmt, reterr);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)before);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)limit);
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW; step = sqlite3_step(stmt))
        read_revision(stmt, &ret_revisions[count++]);
    if (step != SQLITE_DONE)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    return r < 0 ? r : count;
}

int store_newest_revision(struct store *store, struct store_revision *ret_revision,
                          struct error *reterr)
{
    int r = store_list_revisions(store, 0, 1, ret_revision, reterr);
    if (r == 0)
        return error_set(reterr, ERR_NOT_FOUND, "postern.db has no revision yet");
    return r < 0 ? r : 0;
}

int store_read_revision(struct store *store, uint64_t revision, struct store_revision *ret_revision,
                        struct error *reterr)
{
    struct store_revision found;
    int r =
        revision >= INT64_MAX ? 0 : store_list_revisions(store, revision + 1, 1, &found, reterr);
    if (r < 0)
        return r;
    if (r == 0 || found.revision != revision)
        return error_set(reterr, ERR_NOT_FOUND, "there is no revision %llu",
                         (unsigned long long)revision);
    *ret_revision = found;
    return 0;
}

/* The rows of a revision, in the order in which a candidate wants them. */
static int select_state(struct store *store, uint64_t revision, sqlite3_stmt **ret_stmt,
                        struct error *reterr)
{
    /* SQLite takes the other columns from the row that has the MAX. */
    int r =
        db_prepare(store,
                   "SELECT s.section, s.listener, s.key, s.position, o.json, s.hash FROM"
                   " (SELECT section, listener, key, position, hash, MAX(revision)"
                   "  FROM revision_items WHERE revision <= ?1 GROUP BY section, listener, key) s"
                   " LEFT JOIN objects o ON o.hash = s.hash WHERE s.hash IS NOT NULL"
                   " ORDER BY s.section, s.listener, s.position, s.key",
                   ret_stmt, reterr);
    if (r == 0)
        (void)sqlite3_bind_int64(*ret_stmt, 1, (sqlite3_int64)revision);
    return r;
}

/* The state as one configuration file: then it is read by the very code that reads files. */
static int collect(struct store *store, sqlite3_stmt *stmt, struct buf *text, struct error *reterr)
{
    char section[64] = "";
    bool is_array = false;
    (void)buf_append_char(text, '{');
    for (;;) {
        int step = sqlite3_step(stmt);
        if (step == SQLITE_DONE)
            break;
        if (step != SQLITE_ROW)
            return db_error(store, reterr);
        struct slice name = db_column_text(stmt, 0);
        struct slice json = db_column_text(stmt, 4);
        enum cfg_section id = cfg_section_find(name);
        if (id == CFG_SECTION_COUNT || json.len == 0)
            return error_set(reterr, ERR_INVALID, "postern.db: section \"%.*s\" is %s",
                             (int)(name.len > 60 ? 60 : name.len), name.p,
                             json.len == 0 ? "damaged" : "unknown");
        if (strcmp(section, config_section_name(id)) == 0) {
            (void)buf_append_char(text, ',');
        } else {
            (void)buf_append_str(text, is_array ? "]" : "");
            (void)buf_append_str(text, section[0] == '\0' ? "" : ",");
            (void)snprintf(section, sizeof(section), "%s", config_section_name(id));
            is_array = !(cfg_sections[id].flags & CFG_SECTION_SINGLETON);
            (void)buf_printf(text, "\"%s\":%s", section, is_array ? "[" : "");
        }
        (void)buf_append_slice(text, json);
    }
    (void)buf_append_str(text, is_array ? "]}" : "}");
    return 0;
}

static int revision_exists(struct store *store, uint64_t revision, struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r = db_prepare(store, "SELECT 1 FROM revisions WHERE revision = ?1", &stmt, reterr);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)revision);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_DONE)
        r = error_set(reterr, ERR_NOT_FOUND, "postern.db has no revision %llu",
                      (unsigned long long)revision);
    else if (step != SQLITE_ROW)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

int store_load_revision(struct store *store, uint64_t revision, struct config_errors *errors,
                        struct config **ret_config, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    struct buf text;
    buf_init(&text, 0);
    int r = revision_exists(store, revision, reterr);
    if (r == 0)
        r = select_state(store, revision, &stmt, reterr);
    if (r == 0)
        r = collect(store, stmt, &text, reterr);
    (void)sqlite3_finalize(stmt);
    if (r == 0) {
        struct config *c = config_parse(buf_slice(&text), errors);
        if (c == NULL) {
            r = error_set(reterr, ERR_INVALID, "postern.db: revision %llu is damaged",
                          (unsigned long long)revision);
        } else {
            c->revision = revision;
            *ret_config = c;
        }
    }
    buf_finish(&text);
    return r;
}

/* The statements of one save. */
struct save {
    struct store *store;
    const struct config *config;
    uint64_t revision;
    sqlite3_stmt *object, *item, *before, *gone;
};

static uint32_t position_of(const struct config *c, enum cfg_section section, size_t at)
{
    if (!(cfg_sections[section].flags & CFG_SECTION_ORDERED))
        return 0;
    struct slice listener = cfg_listener_of(c, section, at);
    const uint32_t *positions = c->index[section].by_listener;
    size_t first = config_listener_begin(c, section, listener);
    size_t low = first, high = cfg_count(c, section);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_mine = slice_eq(cfg_listener_of(c, section, positions[middle]), listener);
        if (is_mine && positions[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)(low - first);
}

/* True if the newest row of the object says the same already. */
static int is_unchanged(struct save *save, struct slice section, struct slice listener,
                        struct slice key, uint32_t position, const uint8_t *hash, bool *ret_same,
                        struct error *reterr)
{
    sqlite3_stmt *stmt = save->before;
    db_bind_text(stmt, 1, section);
    db_bind_text(stmt, 2, listener);
    db_bind_text(stmt, 3, key);
    int step = sqlite3_step(stmt), r = 0;
    *ret_same = false;
    if (step == SQLITE_ROW)
        *ret_same = sqlite3_column_int64(stmt, 0) == position &&
                    sqlite3_column_bytes(stmt, 1) == SHA256_BYTES &&
                    memcmp(sqlite3_column_blob(stmt, 1), hash, SHA256_BYTES) == 0;
    else if (step != SQLITE_DONE)
        r = db_error(save->store, reterr);
    (void)sqlite3_reset(stmt);
    return r;
}

static int save_object(struct save *save, enum cfg_section id, size_t at, struct buf *text,
                       struct error *reterr)
{
    uint8_t hash[SHA256_BYTES];
    struct slice section = slice_str(cfg_sections[id].name);
    struct slice listener = cfg_listener_of(save->config, id, at);
    struct slice key = cfg_key(save->config, id, at);
    uint32_t position = position_of(save->config, id, at);
    bool is_same = false;
    buf_clear(text, 65536);
    config_render_object(save->config, id, at, text);
    sha256(buf_slice(text), hash);
    int r = is_unchanged(save, section, listener, key, position, hash, &is_same, reterr);
    if (r < 0 || is_same)
        return r;
    (void)sqlite3_bind_blob(save->object, 1, hash, SHA256_BYTES, SQLITE_STATIC);
    db_bind_text(save->object, 2, buf_slice(text));
    r = db_step_done(save->store, save->object, reterr);
    if (r < 0)
        return r;
    db_bind_text(save->item, 1, section);
    db_bind_text(save->item, 2, listener);
    db_bind_text(save->item, 3, key);
    (void)sqlite3_bind_int64(save->item, 4, (sqlite3_int64)save->revision);
    (void)sqlite3_bind_int64(save->item, 5, position);
    (void)sqlite3_bind_blob(save->item, 6, hash, SHA256_BYTES, SQLITE_STATIC);
    return db_step_done(save->store, save->item, reterr);
}

/* Objects of the newest revision that the new one lacks get a row without a hash. Collected first:
 * a table is not changed while it is read. */
static int save_removals(struct save *save, struct error *reterr)
{
    sqlite3_stmt *state;
    struct mem_arena arena;
    struct gone {
        struct gone *next;
        struct slice section, listener, key;
    } *gone = NULL;
    int r = select_state(save->store, save->revision - 1, &state, reterr);
    if (r < 0)
        return r;
    mem_arena_init(&arena);
    int step = sqlite3_step(state);
    for (; step == SQLITE_ROW; step = sqlite3_step(state)) {
        struct slice names[3] = {db_column_text(state, 0), db_column_text(state, 1),
                                 db_column_text(state, 2)};
        enum cfg_section id = cfg_section_find(names[0]);
        if (id != CFG_SECTION_COUNT &&
            config_find(save->config, id, names[1], names[2]) != SIZE_MAX)
            continue;
        struct gone *item = mem_arena_alloc(&arena, sizeof(*item));
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            names[i].p = mem_arena_strndup(&arena, names[i].p, names[i].len);
        *item =
            (struct gone){.next = gone, .section = names[0], .listener = names[1], .key = names[2]};
        gone = item;
    }
    if (step != SQLITE_DONE)
        r = db_error(save->store, reterr);
    (void)sqlite3_finalize(state);
    for (; gone != NULL && r == 0; gone = gone->next) {
        db_bind_text(save->gone, 1, gone->section);
        db_bind_text(save->gone, 2, gone->listener);
        db_bind_text(save->gone, 3, gone->key);
        (void)sqlite3_bind_int64(save->gone, 4, (sqlite3_int64)save->revision);
        r = db_step_done(save->store, save->gone, reterr);
    }
    mem_arena_finish(&arena);
    return r;
}

static int save_revision_row(struct save *save, const struct store_revision *revision,
                             struct error *reterr)
{
    sqlite3_stmt *stmt;
    int r =
        db_prepare(save->store, "INSERT INTO revisions VALUES(?1, ?2, ?3, ?4, ?5)", &stmt, reterr);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)save->revision);
    (void)sqlite3_bind_int64(stmt, 2, revision->created_ms);
    db_bind_text(stmt, 3, slice_str(revision->author));
    db_bind_text(stmt, 4, slice_str(revision->comment));
    if (revision->confirm_by_ms != 0)
        (void)sqlite3_bind_int64(stmt, 5, revision->confirm_by_ms);
    r = db_step_done(save->store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

static int save_all(struct save *save, const struct store_revision *revision, struct error *reterr)
{
    struct buf text;
    int r = save_revision_row(save, revision, reterr);
    if (r == 0)
        r = db_prepare(save->store, "INSERT OR IGNORE INTO objects VALUES(?1, ?2)", &save->object,
                       reterr);
    if (r == 0)
        r = db_prepare(
            save->store,
            "INSERT INTO revision_items(section, listener, key, revision, position, hash)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            &save->item, reterr);
    if (r == 0)
        r = db_prepare(save->store,
                       "SELECT position, hash FROM revision_items WHERE section = ?1 AND"
                       " listener = ?2 AND key = ?3 ORDER BY revision DESC LIMIT 1",
                       &save->before, reterr);
    if (r == 0)
        r = db_prepare(
            save->store,
            "INSERT INTO revision_items(section, listener, key, revision, position, hash)"
            " VALUES(?1, ?2, ?3, ?4, 0, NULL)",
            &save->gone, reterr);
    if (r < 0)
        return r;
    buf_init(&text, 0);
    for (unsigned i = 0; i < CFG_SECTION_COUNT && r == 0; i++) {
        for (size_t at = 0; at < cfg_count(save->config, (enum cfg_section)i) && r == 0; at++)
            r = save_object(save, (enum cfg_section)i, at, &text, reterr);
    }
    buf_finish(&text);
    return r == 0 ? save_removals(save, reterr) : r;
}

int store_save_revision(struct store *store, const struct config *config, const char *draft,
                        struct store_revision *revision, struct error *reterr)
{
    struct store_revision newest = {0};
    struct save save = {.store = store, .config = config};
    ASSERT(config->is_sealed);
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = store_newest_revision(store, &newest, reterr);
    if (r == 0 || r == ERR_NOT_FOUND) {
        save.revision = newest.revision + 1;
        r = save_all(&save, revision, reterr);
    }
    if (r == 0 && draft != NULL)
        r = db_change(store, "DELETE FROM drafts WHERE id = ?1",
                      DB_VALUES(DB_TEXT(slice_str(draft))), NULL, reterr);
    (void)sqlite3_finalize(save.object);
    (void)sqlite3_finalize(save.item);
    (void)sqlite3_finalize(save.before);
    (void)sqlite3_finalize(save.gone);
    r = db_end(store, r, reterr);
    if (r == 0)
        revision->revision = save.revision;
    return r;
}
