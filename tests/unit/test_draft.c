/* Drafts: what is staged survives, stays in order, and is staged again over what others committed.
 */
#include "config_help.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/draft.h"
#include "db_help.h"

static char path[64];
static struct clock_fake now;

static void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

static struct draft create(struct store *store, const char *owner, bool is_default,
                           int64_t expires_ms)
{
    struct draft draft;
    struct error error;

    if (draft_create(store, &now.clock, owner, "title", is_default, expires_ms, &draft, &error) < 0)
        fail_msg("%s", error.text);
    return draft;
}

static void stage(struct store *store, const struct draft *draft, const struct overlay_item *item)
{
    struct error error;

    if (draft_stage(store, &now.clock, draft->id, item, 1, &error) < 0)
        fail_msg("%s", error.text);
}

static size_t count_items(struct store *store, const struct draft *draft)
{
    struct draft found;

    assert_int_equal(draft_find(store, &now.clock, slice_str(draft->id), &found, NULL), 0);
    return found.item_count;
}

/* The draft over RUNNING. */
static struct overlay *view_of(struct store *store, const struct draft *draft,
                               const struct config *running)
{
    struct draft_items items;
    struct error error;

    if (draft_items_load(store, draft->id, &items, &error) < 0)
        fail_msg("%s", error.text);
    struct overlay *overlay = overlay_create(running, items.items, items.count, NULL);
    draft_items_finish(&items); /* the overlay needs none of it */
    return overlay;
}

/* --- drafts --- */

static void test_life(void **state)
{
    struct store *store = help_db_open(path);
    const struct clock *clock = &now.clock;
    struct draft draft, again;

    (void)state;
    assert_int_equal(draft_find_default(store, clock, "ann", &draft, NULL), ERR_NOT_FOUND);
    assert_int_equal(draft_create(store, clock, "ann", "", true, 0, &draft, NULL), 0);
    assert_int_equal(draft_create(store, clock, "ann", "", true, 0, &again, NULL), ERR_EXISTS);
    assert_int_equal(draft_create(store, clock, "bob", "", true, 0, &again, NULL), 0);
    assert_int_equal(draft_find_default(store, clock, "ann", &again, NULL), 0);
    assert_string_equal(again.id, draft.id);
    assert_int_equal(again.expires_ms, 0);
    assert_int_equal(draft_find(store, clock, slice_str(draft.id), &again, NULL), 0);
    assert_string_equal(again.owner, "ann");
    assert_int_equal(draft_delete(store, draft.id, NULL), 0);
    assert_int_equal(draft_find(store, clock, slice_str(draft.id), &again, NULL), ERR_NOT_FOUND);
    store_close(store);
}

static void test_list_and_expiry(void **state)
{
    struct store *store = help_db_open(path);
    const struct clock *clock = &now.clock;
    struct draft *drafts;
    size_t count;

    (void)state;
    struct draft mine = create(store, "ann", true, 0);
    clock_fake_advance(&now, 1000);
    struct draft short_lived = create(store, "ann", false, clock_wall_ms(clock) + 500);
    clock_fake_advance(&now, 1);
    struct draft long_lived = create(store, "ann", false, clock_wall_ms(clock) + 5000);
    (void)create(store, "bob", true, 0);
    assert_int_equal(draft_list(store, clock, "ann", &drafts, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_string_equal(drafts[0].id, long_lived.id);
    assert_string_equal(drafts[1].id, short_lived.id);
    assert_string_equal(drafts[2].id, mine.id);
    assert_string_equal(drafts[0].title, "title");
    free(drafts);
    assert_int_equal(draft_list(store, clock, NULL, &drafts, &count, NULL), 0);
    assert_int_equal(count, 4);
    free(drafts);
    clock_fake_advance(&now, 499);
    assert_int_equal(draft_find(store, clock, slice_str(short_lived.id), &mine, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(draft_list(store, clock, "ann", &drafts, &count, NULL), 0);
    assert_int_equal(count, 2);
    free(drafts);
    store_close(store);
}

static void test_too_many_drafts(void **state)
{
    struct store *store = help_db_open(path);
    struct draft draft;

    (void)state;
    run_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
            " INSERT INTO drafts SELECT 'd' || i, 'x', '', 0, 1, 1, 1700000001000 FROM n");
    assert_int_equal(draft_create(store, &now.clock, "ann", "", true, 0, &draft, NULL), ERR_FULL);
    clock_fake_advance(&now, 1000); /* they have ended */
    assert_int_equal(draft_create(store, &now.clock, "ann", "", true, 0, &draft, NULL), 0);
    store_close(store);
}

/* --- items --- */

/* Listener M with PORT and MAX; base: as in CONFIG. */
static struct overlay_item listener_item(const struct config *config, int port, int max)
{
    struct overlay_item item = {.section = CFG_SECTION_LISTENERS,
                                .listener = SLICE(""),
                                .key = SLICE("M"),
                                .base = help_object(config, CFG_SECTION_LISTENERS, "", "M")};

    item.value = json_deep_copy(item.base);
    (void)json_object_set_new(item.value, "port", json_integer(port));
    (void)json_object_set_new(item.value, "max_connections", json_integer(max));
    return item;
}

static struct overlay_item entry_item(const char *recipient, int reply_code)
{
    return (struct overlay_item){.section = CFG_SECTION_RAT,
                                 .listener = SLICE("M"),
                                 .key = slice_str(recipient),
                                 .value = json_pack("{s:s,s:s,s:s,s:i,s:s}", "listener", "M",
                                                    "recipient", recipient, "action", "accept",
                                                    "reply_code", reply_code, "reply_text", "")};
}

static struct config *with_listener(int port, int max)
{
    struct config *base = help_config();
    struct overlay_item item = listener_item(base, port, max);
    struct overlay *overlay = overlay_create(base, &item, 1, NULL);
    struct config_errors errors;

    config_errors_init(&errors);
    struct config *config = overlay_candidate(overlay, &errors);
    assert_non_null(config);
    config_errors_finish(&errors);
    overlay_destroy(overlay);
    help_item_finish(&item);
    config_unref(base);
    return config;
}

static void test_staged_again(void **state)
{
    static const struct {
        const char *what;
        int first[2], running[2], second[2]; /* port, max_connections; at first 25 and 1000 run */
        int seen[2];
        size_t items, conflicts;
    } cases[] = {
        {"another member", {25, 7}, {25, 1000}, {2525, 7}, {2525, 7}, 1, 0},
        {"theirs kept", {25, 7}, {26, 1000}, {26, 8}, {26, 8}, 1, 0},
        {"theirs set back", {25, 7}, {26, 1000}, {25, 7}, {25, 7}, 1, 0},
        {"theirs changed again", {25, 7}, {26, 1000}, {27, 7}, {27, 7}, 1, 0},
        {"in conflict still", {27, 1000}, {26, 1000}, {27, 8}, {27, 8}, 1, 1},
        {"in conflict anew", {27, 1000}, {26, 1000}, {28, 1000}, {28, 1000}, 1, 1},
        {"conflict set back", {27, 1000}, {26, 1000}, {25, 1000}, {25, 1000}, 1, 0},
        {"given up", {25, 7}, {25, 1000}, {25, 1000}, {25, 1000}, 0, 0},
        {"given up for theirs", {27, 7}, {26, 1000}, {26, 1000}, {26, 1000}, 0, 0},
    };
    struct config *base = help_config();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct store *store = help_db_open(path);
        struct draft draft = create(store, "ann", false, 0);
        struct config *running = with_listener(cases[i].running[0], cases[i].running[1]);
        struct overlay_item first = listener_item(base, cases[i].first[0], cases[i].first[1]);
        struct overlay_item second = listener_item(running, cases[i].second[0], cases[i].second[1]);
        stage(store, &draft, &first);
        stage(store, &draft, &second);
        struct overlay *view = view_of(store, &draft, running);
        const json_t *seen = overlay_object(view, CFG_SECTION_LISTENERS, SLICE(""), SLICE("M"));
        bool is_right =
            json_integer_value(json_object_get(seen, "port")) == cases[i].seen[0] &&
            json_integer_value(json_object_get(seen, "max_connections")) == cases[i].seen[1] &&
            count_items(store, &draft) == cases[i].items &&
            json_array_size(view->conflicts) == cases[i].conflicts;
        if (!is_right)
            fail_msg("%s: %s, %zu conflicts", cases[i].what, json_dumps(seen, JSON_COMPACT),
                     json_array_size(view->conflicts));
        overlay_destroy(view);
        help_item_finish(&first);
        help_item_finish(&second);
        config_unref(running);
        store_close(store);
    }
    config_unref(base);
}

/* Others took away what I changed. */
static void test_staged_again_after_removal(void **state)
{
    static const struct {
        int second; /* reply code; 0: I take it away too */
        size_t items, conflicts;
    } cases[] = {{552, 1, 1}, {0, 0, 0}, {550, 1, 0}};
    struct config *base = help_config();
    struct config *running =
        help_config_with(HELP_ACCEPT("M", "b.test") HELP_ALL("M") "," HELP_ALL("N"), HELP_CONTROLS);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct store *store = help_db_open(path);
        struct draft draft = create(store, "ann", false, 0);
        struct overlay_item first = entry_item("a.test", 551);
        struct overlay_item second = entry_item("a.test", cases[i].second);
        first.base = help_object(base, CFG_SECTION_RAT, "M", "a.test");
        if (cases[i].second == 0) {
            json_decref(second.value);
            second.value = NULL;
        }
        stage(store, &draft, &first);
        stage(store, &draft, &second);
        struct overlay *view = view_of(store, &draft, running);
        const json_t *seen = overlay_object(view, CFG_SECTION_RAT, SLICE("M"), SLICE("a.test"));
        assert_int_equal(json_integer_value(json_object_get(seen, "reply_code")), cases[i].second);
        assert_int_equal(count_items(store, &draft), cases[i].items);
        assert_int_equal(json_array_size(view->conflicts), cases[i].conflicts);
        overlay_destroy(view);
        help_item_finish(&first);
        help_item_finish(&second);
        store_close(store);
    }
    config_unref(base);
    config_unref(running);
}

static void test_orders_staged_again(void **state)
{
    struct config *base = help_config();
    struct config *running = help_config_with(HELP_ACCEPT("M", "b.test") HELP_ACCEPT("M", "a.test")
                                                  HELP_ALL("M") "," HELP_ALL("N"),
                                              HELP_CONTROLS);
    struct store *store = help_db_open(path);
    struct draft draft = create(store, "ann", false, 0);
    struct overlay_item first = {.section = CFG_SECTION_RAT,
                                 .listener = SLICE("M"),
                                 .key = SLICE(""),
                                 .is_order = true,
                                 .base = help_json("[\"a.test\",\"b.test\",\"ALL\"]"),
                                 .value = help_json("[\"b.test\",\"a.test\",\"ALL\"]")};
    struct overlay_item second = first;

    (void)state;
    /* what runs is what I wanted; now back again */
    second.base = json_incref(first.value);
    second.value = json_incref(first.base);
    stage(store, &draft, &first);
    stage(store, &draft, &second);
    struct overlay *view = view_of(store, &draft, running);
    help_assert_order(view, "M", "[\"a.test\",\"b.test\",\"ALL\"]");
    assert_int_equal(json_array_size(view->conflicts), 0);
    overlay_destroy(view);
    help_item_finish(&first);
    help_item_finish(&second);
    store_close(store);
    config_unref(base);
    config_unref(running);
}

/* New entries stand in the order in which they came, whatever their names and however often they
 * are changed. */
static void test_order_of_staging(void **state)
{
    static const char *const names[] = {"z.test", "c.test", "m.test"};
    struct config *base = help_config();
    struct store *store = help_db_open(path);
    struct draft draft = create(store, "ann", true, 0);

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            struct overlay_item item = entry_item(names[i], 550 + round);
            stage(store, &draft, &item);
            help_item_finish(&item);
        }
    }
    struct overlay *view = view_of(store, &draft, base);
    help_assert_order(view, "M",
                      "[\"a.test\",\"b.test\",\"z.test\",\"c.test\",\"m.test\",\"ALL\"]");
    struct error error; /* a rebase keeps it */
    assert_int_equal(draft_replace(store, &now.clock, draft.id, view->items, view->count, &error),
                     0);
    overlay_destroy(view);
    view = view_of(store, &draft, base);
    help_assert_order(view, "M",
                      "[\"a.test\",\"b.test\",\"z.test\",\"c.test\",\"m.test\",\"ALL\"]");
    overlay_destroy(view);
    store_close(store);
    config_unref(base);
}

static void test_discard(void **state)
{
    struct store *store = help_db_open(path);
    struct draft draft = create(store, "ann", true, 0);
    struct overlay_item item = entry_item("c.test", 550), other = entry_item("d.test", 550);
    struct overlay_item named = {.section = CFG_SECTION_RAT, .listener = SLICE("M")};
    const struct clock *clock = &now.clock;

    (void)state;
    stage(store, &draft, &item);
    stage(store, &draft, &other);
    named.key = SLICE("x.test");
    assert_int_equal(draft_discard(store, clock, draft.id, &named, NULL), ERR_NOT_FOUND);
    named.key = SLICE("C.Test"); /* as somebody writes it */
    assert_int_equal(draft_discard(store, clock, draft.id, &named, NULL), 0);
    assert_int_equal(count_items(store, &draft), 1);
    assert_int_equal(draft_discard(store, clock, draft.id, &named, NULL), ERR_NOT_FOUND);
    help_item_finish(&item);
    help_item_finish(&other);
    store_close(store);
}

/* All of it or nothing. */
static void test_too_many_items(void **state)
{
    struct store *store = help_db_open(path);
    struct draft draft = create(store, "ann", true, 0);
    struct overlay_item items[2] = {entry_item("c.test", 550), entry_item("d.test", 550)};
    char sql[400];

    (void)state;
    (void)snprintf(sql, sizeof(sql),
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO draft_items SELECT '%s', 'rat', 'M', 'r' || i, 0, NULL, '{}', i"
                   " FROM n",
                   DRAFT_ITEMS_MAX - 1, draft.id);
    run_sql(sql);
    assert_int_equal(draft_stage(store, &now.clock, draft.id, items, 2, NULL), ERR_FULL);
    assert_int_equal(count_items(store, &draft), DRAFT_ITEMS_MAX - 1);
    assert_int_equal(draft_stage(store, &now.clock, draft.id, items, 1, NULL), 0);
    assert_int_equal(count_items(store, &draft), DRAFT_ITEMS_MAX);
    help_item_finish(&items[0]);
    help_item_finish(&items[1]);
    store_close(store);
}

/* Staged is staged: the process is killed as soon as it was told so. */
static void test_killed(void **state)
{
    struct config *base = help_config();
    int status;

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        struct draft draft;
        struct overlay_item item = listener_item(base, 2525, 7);
        if (store_open(path, &store, NULL) == 0 &&
            draft_create(store, &now.clock, "ann", "", true, 0, &draft, NULL) == 0 &&
            draft_stage(store, &now.clock, draft.id, &item, 1, NULL) == 0)
            (void)raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct store *store = help_db_open(path);
    struct draft draft;
    assert_int_equal(draft_find_default(store, &now.clock, "ann", &draft, NULL), 0);
    assert_int_equal(draft.item_count, 1);
    struct overlay *view = view_of(store, &draft, base);
    assert_int_equal(
        json_integer_value(json_object_get(
            overlay_object(view, CFG_SECTION_LISTENERS, SLICE(""), SLICE("M")), "port")),
        2525);
    overlay_destroy(view);
    store_close(store);
    config_unref(base);
}

/* Items of a section that a newer Postern knew are left out; what is no JSON is an error. */
static void test_strange_items(void **state)
{
    struct store *store = help_db_open(path);
    struct draft draft = create(store, "ann", true, 0);
    struct draft_items items;
    struct error error;
    char sql[200];

    (void)state;
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO draft_items VALUES('%s', 'moons', '', 'x', 0, NULL, '{}', 1)",
                   draft.id);
    run_sql(sql);
    assert_int_equal(draft_items_load(store, draft.id, &items, &error), 0);
    assert_int_equal(items.count, 0);
    draft_items_finish(&items);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO draft_items VALUES('%s', 'rat', 'M', 'x', 0, '{}', '{', 2)",
                   draft.id);
    run_sql(sql);
    assert_int_equal(draft_items_load(store, draft.id, &items, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "damaged"));
    store_close(store);
}

static int set_up(void **state)
{
    static char dir[32];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/test_draft.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/postern.db", dir);
    clock_fake_init(&now, 1700000000000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_db_remove(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_life),
        IN_DIR(test_list_and_expiry),
        IN_DIR(test_too_many_drafts),
        IN_DIR(test_staged_again),
        IN_DIR(test_staged_again_after_removal),
        IN_DIR(test_orders_staged_again),
        IN_DIR(test_order_of_staging),
        IN_DIR(test_discard),
        IN_DIR(test_too_many_items),
        IN_DIR(test_killed),
        IN_DIR(test_strange_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
