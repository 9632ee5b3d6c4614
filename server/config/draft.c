/* See draft.h. */
#include "config/draft.h"

#include "config/db.h"
#include "config/objects.h"
#include "config/schema.h"

#define COLUMNS                                                                                    \
    "SELECT id, owner, title, is_default, created_ms, touched_ms, expires_ms,"                     \
    " (SELECT COUNT(*) FROM draft_items WHERE draft = id) FROM drafts"                             \
    " WHERE (expires_ms = 0 OR expires_ms > ?1)"

/* What names an item: the first five parameters. */
#define ITEM_VALUES(id, item)                                                                      \
    DB_TEXT(slice_str(id)), DB_TEXT(slice_str(cfg_sections[(item)->section].name)),                \
        DB_TEXT((item)->listener), DB_TEXT((item)->key), DB_NUMBER((item)->is_order)
#define IS_ITEM                                                                                    \
    " WHERE draft = ?1 AND section = ?2 AND listener = ?3 AND key = ?4 AND is_order = ?5"

static void read_row(sqlite3_stmt *stmt, struct draft *ret_draft)
{
    *ret_draft = (struct draft){
        .is_default = sqlite3_column_int(stmt, 3) != 0,
        .created_ms = sqlite3_column_int64(stmt, 4),
        .touched_ms = sqlite3_column_int64(stmt, 5),
        .expires_ms = sqlite3_column_int64(stmt, 6),
        .item_count = (size_t)sqlite3_column_int64(stmt, 7),
    };
    db_copy_text(stmt, 0, ret_draft->id, sizeof(ret_draft->id));
    db_copy_text(stmt, 1, ret_draft->owner, sizeof(ret_draft->owner));
    db_copy_text(stmt, 2, ret_draft->title, sizeof(ret_draft->title));
}

/* The first row of a statement made of COLUMNS with one text, ?2. */
static int find_one(struct store *store, const struct clock *clock, const char *sql,
                    struct slice text, struct draft *ret_draft, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_select(store, sql, DB_VALUES(DB_NUMBER(clock_wall_ms(clock)), DB_TEXT(text)), &stmt,
                      reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        read_row(stmt, ret_draft);
    else if (step == SQLITE_DONE)
        r = error_set(reterr, ERR_NOT_FOUND, "there is no such draft");
    else
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

int draft_find(struct store *store, const struct clock *clock, struct slice id,
               struct draft *ret_draft, struct error *reterr)
{
    return find_one(store, clock, COLUMNS " AND id = ?2", id, ret_draft, reterr);
}

int draft_find_default(struct store *store, const struct clock *clock, const char *owner,
                       struct draft *ret_draft, struct error *reterr)
{
    return find_one(store, clock, COLUMNS " AND is_default AND owner = ?2", slice_str(owner),
                    ret_draft, reterr);
}

int draft_list(struct store *store, const struct clock *clock, const char *owner,
               struct draft **ret_drafts, size_t *ret_count, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    struct draft *drafts = mem_array(DRAFTS_MAX, sizeof(*drafts));
    size_t count = 0;

    int r = db_select(store,
                      COLUMNS " AND (?2 = '' OR owner = ?2) ORDER BY created_ms DESC, id LIMIT ?3",
                      DB_VALUES(DB_NUMBER(clock_wall_ms(clock)), DB_TEXT(slice_str(owner)),
                                DB_NUMBER(DRAFTS_MAX)),
                      &stmt, reterr);
    if (r < 0)
        goto fail;
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && count < DRAFTS_MAX; step = sqlite3_step(stmt))
        read_row(stmt, &drafts[count++]);
    if (step != SQLITE_DONE && step != SQLITE_ROW)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    if (r < 0)
        goto fail;
    *ret_drafts = drafts;
    *ret_count = count;
    return 0;
fail:
    free(drafts);
    return r;
}

static int sweep_and_count(struct store *store, int64_t now_ms, struct error *reterr)
{
    int64_t count = 0;

    int r = db_change(store, "DELETE FROM drafts WHERE expires_ms <> 0 AND expires_ms <= ?1",
                      DB_VALUES(DB_NUMBER(now_ms)), NULL, reterr);
    if (r == 0)
        r = db_number(store, "SELECT COUNT(*) FROM drafts", NULL, 0, &count, reterr);
    if (r == 0 && count >= DRAFTS_MAX)
        r = error_set(reterr, ERR_FULL, "there are %d drafts; delete some first", DRAFTS_MAX);
    return r;
}

static int insert(struct store *store, const struct draft *draft, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_select(store, "INSERT INTO drafts VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6)",
                      DB_VALUES(DB_TEXT(slice_str(draft->id)), DB_TEXT(slice_str(draft->owner)),
                                DB_TEXT(slice_str(draft->title)), DB_NUMBER(draft->is_default),
                                DB_NUMBER(draft->created_ms), DB_NUMBER(draft->expires_ms)),
                      &stmt, reterr);
    if (r < 0)
        return r;
    r = db_step_done(store, stmt, reterr);
    if (r < 0 && (sqlite3_errcode(store->db) & 0xff) == SQLITE_CONSTRAINT)
        r = error_set(reterr, ERR_EXISTS, "%s has a draft already", draft->owner);
    (void)sqlite3_finalize(stmt);
    return r;
}

int draft_create(struct store *store, const struct clock *clock, const char *owner,
                 const char *title, bool is_default, int64_t expires_ms, struct draft *ret_draft,
                 struct error *reterr)
{
    uint64_t id;
    int64_t now_ms = clock_wall_ms(clock);
    struct draft draft = {.is_default = is_default,
                          .created_ms = now_ms,
                          .touched_ms = now_ms,
                          .expires_ms = expires_ms};

    clock->random(clock, &id, sizeof(id));
    (void)snprintf(draft.id, sizeof(draft.id), "%016llx", (unsigned long long)id);
    (void)snprintf(draft.owner, sizeof(draft.owner), "%s", owner);
    (void)snprintf(draft.title, sizeof(draft.title), "%s", title);
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = sweep_and_count(store, now_ms, reterr);
    if (r == 0)
        r = insert(store, &draft, reterr);
    r = db_end(store, r, reterr);
    if (r == 0)
        *ret_draft = draft;
    return r;
}

int draft_delete(struct store *store, const char *id, struct error *reterr)
{
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = db_change(store, "DELETE FROM drafts WHERE id = ?1", DB_VALUES(DB_TEXT(slice_str(id))),
                  NULL, reterr);
    return db_end(store, r, reterr);
}

/* --- items --- */

/* NULL for SQL's NULL; text of ours that is no JSON counts as damage. */
static int column_json(sqlite3_stmt *stmt, int at, json_t **ret_value, struct error *reterr)
{
    *ret_value = NULL;
    if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
        return 0;
    struct slice text = db_column_text(stmt, at);
    *ret_value = json_loadb(text.p, text.len, JSON_DECODE_ANY, NULL);
    return *ret_value != NULL ? 0
                              : error_set(reterr, ERR_INVALID, "postern.db: a draft is damaged");
}

static int read_item(sqlite3_stmt *stmt, struct draft_items *items, struct error *reterr)
{
    struct slice listener = db_column_text(stmt, 1), key = db_column_text(stmt, 2);
    struct overlay_item item = {.section = cfg_section_find(db_column_text(stmt, 0)),
                                .is_order = sqlite3_column_int(stmt, 3) != 0};

    if (item.section == CFG_SECTION_COUNT)
        return 0;
    int r = column_json(stmt, 4, &item.base, reterr);
    if (r == 0)
        r = column_json(stmt, 5, &item.value, reterr);
    if (r < 0) {
        json_decref(item.base);
        return r;
    }
    item.listener =
        slice_of(mem_arena_strndup(&items->arena, listener.p, listener.len), listener.len);
    item.key = slice_of(mem_arena_strndup(&items->arena, key.p, key.len), key.len);
    items->items[items->count++] = item;
    return 0;
}

int draft_items_load(struct store *store, const char *id, struct draft_items *ret_items,
                     struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    struct draft_items items = {.items = mem_array(DRAFT_ITEMS_MAX, sizeof(*items.items))};

    mem_arena_init(&items.arena);
    int r = db_select(store,
                      "SELECT section, listener, key, is_order, base, value FROM draft_items"
                      " WHERE draft = ?1 ORDER BY number, section, listener, key LIMIT ?2",
                      DB_VALUES(DB_TEXT(slice_str(id)), DB_NUMBER(DRAFT_ITEMS_MAX)), &stmt, reterr);
    if (r == 0) {
        int step = sqlite3_step(stmt);
        for (; step == SQLITE_ROW && r == 0; step = sqlite3_step(stmt))
            r = read_item(stmt, &items, reterr);
        if (r == 0 && step != SQLITE_DONE)
            r = db_error(store, reterr);
    }
    (void)sqlite3_finalize(stmt);
    if (r < 0)
        draft_items_finish(&items);
    else
        *ret_items = items;
    return r;
}

void draft_items_finish(struct draft_items *items)
{
    overlay_items_finish(items->items, items->count);
    mem_arena_finish(&items->arena);
    *items = (struct draft_items){0};
}

/* NULL stays NULL. */
static char *text_of(const json_t *value)
{
    return value == NULL ? NULL
                         : json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

/* Writes an item; one that is there already keeps its NUMBER. */
static int write_item(struct store *store, const char *id, const struct overlay_item *item,
                      int64_t number, struct error *reterr)
{
    char *base = text_of(item->base), *value = text_of(item->value);

    int r = db_change(store,
                      "INSERT INTO draft_items VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT"
                      " DO UPDATE SET base = excluded.base, value = excluded.value",
                      DB_VALUES(ITEM_VALUES(id, item), DB_TEXT_OR_NULL(base),
                                DB_TEXT_OR_NULL(value), DB_NUMBER(number)),
                      NULL, reterr);
    free(base);
    free(value);
    return r;
}

/* *RET_CHANGES (may be NULL): 0, there was none. */
static int delete_item(struct store *store, const char *id, const struct overlay_item *item,
                       size_t *ret_changes, struct error *reterr)
{
    return db_change(store, "DELETE FROM draft_items" IS_ITEM, DB_VALUES(ITEM_VALUES(id, item)),
                     ret_changes, reterr);
}

/* 1: there is an item for the same object, *ret_staged has base and value; 0: there is none. */
static int read_staged(struct store *store, const char *id, const struct overlay_item *item,
                       struct overlay_item *ret_staged, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    *ret_staged = *item;
    ret_staged->base = ret_staged->value = NULL;
    int r = db_select(store, "SELECT base, value FROM draft_items" IS_ITEM,
                      DB_VALUES(ITEM_VALUES(id, item)), &stmt, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        r = column_json(stmt, 0, &ret_staged->base, reterr);
    if (step == SQLITE_ROW && r == 0)
        r = column_json(stmt, 1, &ret_staged->value, reterr);
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    return r == 0 && step == SQLITE_ROW ? 1 : r;
}

/* Over what is staged already, see overlay_restaged_base. */
static int stage_item(struct store *store, const char *id, const struct overlay_item *item,
                      int64_t number, struct error *reterr)
{
    struct overlay_item staged, put = *item;

    if (item->base == item->value ||
        (item->base != NULL && item->value != NULL && json_equal(item->base, item->value)))
        return delete_item(store, id, item, NULL, reterr);
    int r = read_staged(store, id, item, &staged, reterr);
    if (r == 1) {
        put.base = overlay_restaged_base(&staged, item);
        r = write_item(store, id, &put, number, reterr);
        json_decref(put.base);
    } else if (r == 0) {
        r = write_item(store, id, item, number, reterr);
    }
    json_decref(staged.base);
    json_decref(staged.value);
    return r;
}

static int touch(struct store *store, const struct clock *clock, const char *id,
                 struct error *reterr)
{
    return db_change(store, "UPDATE drafts SET touched_ms = ?1 WHERE id = ?2",
                     DB_VALUES(DB_NUMBER(clock_wall_ms(clock)), DB_TEXT(slice_str(id))), NULL,
                     reterr);
}

/* Items that change nothing leave; those that are left must not be too many. */
static int settle(struct store *store, const char *id, struct error *reterr)
{
    int64_t count = 0;

    int r = db_change(store, "DELETE FROM draft_items WHERE draft = ?1 AND base IS value",
                      DB_VALUES(DB_TEXT(slice_str(id))), NULL, reterr);
    if (r == 0)
        r = db_number(store, "SELECT COUNT(*) FROM draft_items WHERE draft = ?1",
                      DB_VALUES(DB_TEXT(slice_str(id))), &count, reterr);
    if (r == 0 && count > DRAFT_ITEMS_MAX)
        r = error_set(reterr, ERR_FULL, "a draft holds at most %d items", DRAFT_ITEMS_MAX);
    return r;
}

/* How one item of many is written. */
typedef int write_one(struct store *store, const char *id, const struct overlay_item *item,
                      int64_t number, struct error *reterr);

static int write_items(struct store *store, const struct clock *clock, const char *id,
                       const struct overlay_item *items, size_t count, write_one *write,
                       struct error *reterr)
{
    int64_t number = 0;

    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    if (write == write_item)
        r = db_change(store, "DELETE FROM draft_items WHERE draft = ?1",
                      DB_VALUES(DB_TEXT(slice_str(id))), NULL, reterr);
    else
        r = db_number(store, "SELECT COALESCE(MAX(number), 0) FROM draft_items WHERE draft = ?1",
                      DB_VALUES(DB_TEXT(slice_str(id))), &number, reterr);
    for (size_t i = 0; i < count && r == 0; i++)
        r = write(store, id, &items[i], ++number, reterr);
    if (r == 0)
        r = settle(store, id, reterr);
    if (r == 0)
        r = touch(store, clock, id, reterr);
    return db_end(store, r, reterr);
}

int draft_stage(struct store *store, const struct clock *clock, const char *id,
                const struct overlay_item *items, size_t count, struct error *reterr)
{
    return write_items(store, clock, id, items, count, stage_item, reterr);
}

int draft_replace(struct store *store, const struct clock *clock, const char *id,
                  const struct overlay_item *items, size_t count, struct error *reterr)
{
    return write_items(store, clock, id, items, count, write_item, reterr);
}

int draft_discard(struct store *store, const struct clock *clock, const char *id,
                  const struct overlay_item *item, struct error *reterr)
{
    struct overlay_item named = *item;
    struct mem_arena arena;
    size_t changes = 0;

    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    mem_arena_init(&arena);
    named.key = object_key(item->section, item->key, &arena);
    r = delete_item(store, id, &named, &changes, reterr);
    if (r == 0 && changes == 0)
        r = error_set(reterr, ERR_NOT_FOUND, "the draft has no such item");
    if (r == 0)
        r = touch(store, clock, id, reterr);
    mem_arena_finish(&arena);
    return db_end(store, r, reterr);
}
