/* See draft.h. */
#include "config/draft.h"

#include "config/db.h"
#include "config/objects.h"
#include "config/schema.h"

#define COLUMNS                                                                                    \
    "SELECT id, owner, title, is_default, created_ms, touched_ms, expires_ms,"                     \
    " (SELECT COUNT(*) FROM draft_items WHERE draft = id) FROM drafts"                             \
    " WHERE (expires_ms = 0 OR expires_ms > ?1)"

static void copy_text(char *to, size_t size, struct slice from)
{
    (void)snprintf(to, size, "%.*s", SLICE_ARGS(from));
}

static void read_row(sqlite3_stmt *stmt, struct draft *ret_draft)
{
    *ret_draft = (struct draft){
        .is_default = sqlite3_column_int(stmt, 3) != 0,
        .created_ms = sqlite3_column_int64(stmt, 4),
        .touched_ms = sqlite3_column_int64(stmt, 5),
        .expires_ms = sqlite3_column_int64(stmt, 6),
        .item_count = (size_t)sqlite3_column_int64(stmt, 7),
    };
    copy_text(ret_draft->id, sizeof(ret_draft->id), db_column_text(stmt, 0));
    copy_text(ret_draft->owner, sizeof(ret_draft->owner), db_column_text(stmt, 1));
    copy_text(ret_draft->title, sizeof(ret_draft->title), db_column_text(stmt, 2));
}

/* The first row of a statement made of COLUMNS with one text, ?2. */
static int find_one(struct store *store, const struct clock *clock, const char *sql,
                    struct slice text, struct draft *ret_draft, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_prepare(store, sql, &stmt, reterr);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, clock_wall_ms(clock));
    db_bind_text(stmt, 2, text);
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

    int r = db_prepare(store,
                       COLUMNS " AND (?2 = '' OR owner = ?2) ORDER BY created_ms DESC, id LIMIT ?3",
                       &stmt, reterr);
    if (r < 0)
        goto fail;
    (void)sqlite3_bind_int64(stmt, 1, clock_wall_ms(clock));
    db_bind_text(stmt, 2, slice_str(owner == NULL ? "" : owner));
    (void)sqlite3_bind_int64(stmt, 3, DRAFTS_MAX);
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

/* Runs SQL, which gives no rows, with a number as ?1 and a text as ?2, as far as it has them. */
static int run_with(struct store *store, const char *sql, int64_t number, struct slice text,
                    struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_prepare(store, sql, &stmt, reterr);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, number);
    db_bind_text(stmt, 2, text);
    r = db_step_done(store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

static int sweep_and_count(struct store *store, int64_t now_ms, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = run_with(store, "DELETE FROM drafts WHERE expires_ms <> 0 AND expires_ms <= ?1", now_ms,
                     SLICE(""), reterr);
    if (r == 0)
        r = db_prepare(store, "SELECT COUNT(*) FROM drafts", &stmt, reterr);
    if (r < 0)
        return r;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        r = db_error(store, reterr);
    else if (sqlite3_column_int64(stmt, 0) >= DRAFTS_MAX)
        r = error_set(reterr, ERR_FULL, "there are %d drafts; delete some first", DRAFTS_MAX);
    (void)sqlite3_finalize(stmt);
    return r;
}

static int insert(struct store *store, const struct draft *draft, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r =
        db_prepare(store, "INSERT INTO drafts VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6)", &stmt, reterr);
    if (r < 0)
        return r;
    db_bind_text(stmt, 1, slice_str(draft->id));
    db_bind_text(stmt, 2, slice_str(draft->owner));
    db_bind_text(stmt, 3, slice_str(draft->title));
    (void)sqlite3_bind_int(stmt, 4, draft->is_default);
    (void)sqlite3_bind_int64(stmt, 5, draft->created_ms);
    (void)sqlite3_bind_int64(stmt, 6, draft->expires_ms);
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
    copy_text(draft.owner, sizeof(draft.owner), slice_str(owner));
    copy_text(draft.title, sizeof(draft.title), slice_str(title));
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
    return run_with(store, "DELETE FROM drafts WHERE id = ?2", 0, slice_str(id), reterr);
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
    int r = db_prepare(store,
                       "SELECT section, listener, key, is_order, base, value FROM draft_items"
                       " WHERE draft = ?1 ORDER BY number, section, listener, key LIMIT ?2",
                       &stmt, reterr);
    if (r == 0) {
        db_bind_text(stmt, 1, slice_str(id));
        (void)sqlite3_bind_int64(stmt, 2, DRAFT_ITEMS_MAX);
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

static void bind_item(sqlite3_stmt *stmt, const char *id, const struct overlay_item *item)
{
    db_bind_text(stmt, 1, slice_str(id));
    db_bind_text(stmt, 2, slice_str(cfg_sections[item->section].name));
    db_bind_text(stmt, 3, item->listener);
    db_bind_text(stmt, 4, item->key);
    (void)sqlite3_bind_int(stmt, 5, item->is_order);
}

/* Writes an item; one that is there already keeps its NUMBER. */
static int write_item(struct store *store, const char *id, const struct overlay_item *item,
                      int64_t number, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_prepare(store,
                       "INSERT INTO draft_items VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT"
                       " DO UPDATE SET base = excluded.base, value = excluded.value",
                       &stmt, reterr);
    if (r < 0)
        return r;
    bind_item(stmt, id, item);
    char *texts[2] = {NULL, NULL};
    const json_t *values[2] = {item->base, item->value};
    for (int i = 0; i < 2; i++) {
        if (values[i] == NULL)
            continue; /* stays NULL */
        texts[i] = json_dumps(values[i], JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        db_bind_text(stmt, 6 + i, slice_str(texts[i]));
    }
    (void)sqlite3_bind_int64(stmt, 8, number);
    r = db_step_done(store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    free(texts[0]);
    free(texts[1]);
    return r;
}

static int delete_item(struct store *store, const char *id, const struct overlay_item *item,
                       struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = db_prepare(store,
                       "DELETE FROM draft_items WHERE draft = ?1 AND section = ?2 AND"
                       " listener = ?3 AND key = ?4 AND is_order = ?5",
                       &stmt, reterr);
    if (r < 0)
        return r;
    bind_item(stmt, id, item);
    r = db_step_done(store, stmt, reterr);
    (void)sqlite3_finalize(stmt);
    return r;
}

/* 1: there is an item for the same object, *ret_staged has base and value; 0: there is none. */
static int read_staged(struct store *store, const char *id, const struct overlay_item *item,
                       struct overlay_item *ret_staged, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    *ret_staged = *item;
    ret_staged->base = ret_staged->value = NULL;
    int r = db_prepare(store,
                       "SELECT base, value FROM draft_items WHERE draft = ?1 AND section = ?2 AND"
                       " listener = ?3 AND key = ?4 AND is_order = ?5",
                       &stmt, reterr);
    if (r < 0)
        return r;
    bind_item(stmt, id, item);
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
        return delete_item(store, id, item, reterr);
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
    return run_with(store, "UPDATE drafts SET touched_ms = ?1 WHERE id = ?2", clock_wall_ms(clock),
                    slice_str(id), reterr);
}

/* Items that change nothing leave; those that are left must not be too many. */
static int settle(struct store *store, const char *id, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;

    int r = run_with(store, "DELETE FROM draft_items WHERE draft = ?2 AND base IS value", 0,
                     slice_str(id), reterr);
    if (r == 0)
        r = db_prepare(store, "SELECT COUNT(*) FROM draft_items WHERE draft = ?1", &stmt, reterr);
    if (r < 0)
        return r;
    db_bind_text(stmt, 1, slice_str(id));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        r = db_error(store, reterr);
    else if (sqlite3_column_int64(stmt, 0) > DRAFT_ITEMS_MAX)
        r = error_set(reterr, ERR_FULL, "a draft holds at most %d items", DRAFT_ITEMS_MAX);
    (void)sqlite3_finalize(stmt);
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
        r = run_with(store, "DELETE FROM draft_items WHERE draft = ?2", 0, slice_str(id), reterr);
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

    mem_arena_init(&arena);
    named.key = object_key(item->section, item->key, &arena);
    int r = delete_item(store, id, &named, reterr);
    if (r == 0 && sqlite3_changes(store->db) == 0)
        r = error_set(reterr, ERR_NOT_FOUND, "the draft has no such item");
    mem_arena_finish(&arena);
    return r == 0 ? touch(store, clock, id, reterr) : r;
}
