/* Databases as every older program wrote them (tests/unit/databases): each is migrated, and what
 * was in it is still there. argv[1] is that directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/audit.h"
#include "config/draft.h"
#include "config/users.h"
#include "db_help.h"

static const char *databases;
static char dir[32], path[64];
static struct clock_fake now;

static void exec_on(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
}

/* The database that the program with that schema left. */
static void restore(unsigned schema)
{
    char name[512];
    struct buf sql;
    sqlite3 *db;

    buf_init(&sql, 0);
    (void)snprintf(name, sizeof(name), "%s/schema-%u.sql", databases, schema);
    FILE *file = fopen(name, "r");
    if (file == NULL)
        fail_msg("%s is missing", name);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        (void)buf_append_char(&sql, (char)c);
    (void)fclose(file);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    exec_on(db, buf_cstr(&sql));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    buf_finish(&sql);
}

/* The first column of the first row, as text in a static buffer. */
static const char *ask(const char *sql)
{
    static char answer[16384];
    sqlite3 *db;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    (void)snprintf(answer, sizeof(answer), "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return answer;
}

static unsigned long long ask_number(const char *sql)
{
    unsigned long long number;

    assert_true(slice_to_u64(slice_str(ask(sql)), UINT32_MAX, &number));
    return number;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/test_migrations.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/postern.db", dir);
    clock_fake_init(&now, 1790001000000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_db_remove(path);
    return rmdir(dir);
}

#define SHAPE "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)"

static struct config *load(struct store *store, uint64_t revision)
{
    struct config_errors errors;
    struct error error;
    struct config *config;

    config_errors_init(&errors);
    if (store_load_revision(store, revision, &errors, &config, &error) < 0)
        fail_msg("revision %d: %s", (int)revision, error.text);
    if (!config_validate(config, &errors))
        fail_msg("revision %d: %s: %s", (int)revision, errors.items[0].pointer,
                 errors.items[0].text);
    config_errors_finish(&errors);
    return config;
}

static void assert_rat(const struct config *config, const char *first)
{
    struct config_range rat = config_rat(config, SLICE("InboundMail"));

    assert_int_equal(rat.count, 3);
    assert_string_equal(config_rat_entry_at(rat, 0)->recipient.text.p, first);
    assert_string_equal(config_rat_entry_at(rat, 2)->recipient.text.p, "ALL");
}

/* What both fixtures have. */
static void assert_revisions(struct store *store)
{
    struct store_revision found[4];
    uint64_t limit;

    assert_int_equal(store_list_revisions(store, 0, 4, found, NULL), 3);
    assert_string_equal(found[0].comment, "partner.example is gone");
    assert_string_equal(found[0].author, "admin");
    assert_int_equal(found[0].created_ms, 1790000120000);
    assert_int_equal(found[0].change_count, 1);
    assert_int_equal(found[1].change_count, 1);
    struct config *one = load(store, 1), *two = load(store, 2), *three = load(store, 3);
    assert_rat(one, "a.example");
    assert_rat(two, "b.example");
    assert_rat(three, "b.example");
    assert_non_null(config_find_destination_control(one, SLICE("partner.example")));
    assert_non_null(config_find_destination_control(two, SLICE("partner.example")));
    assert_null(config_find_destination_control(three, SLICE("partner.example")));
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_MID, &limit, NULL), 0);
    assert_int_equal(limit, 65537);
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_ICID, &limit, NULL), 0);
    assert_int_equal(limit, 131073);
    config_unref(two);
    config_unref(three);

    /* and life goes on */
    struct store_revision next = {.created_ms = 1790001000000, .author = "admin"};
    assert_int_equal(store_save_revision(store, one, NULL, &next, NULL), 0);
    assert_int_equal(next.revision, 4);
    config_unref(one);
    one = load(store, 4);
    assert_rat(one, "a.example");
    config_unref(one);
}

static void test_schema_1(void **state)
{
    struct draft draft;
    bool has_administrator;

    (void)state;
    restore(1);
    assert_string_equal(ask("PRAGMA user_version"), "1");
    struct store *store = help_db_open(path);
    assert_revisions(store);
    assert_int_equal(users_has_administrator(store, &has_administrator, NULL), 0);
    assert_false(has_administrator);
    assert_int_equal(draft_create(store, &now.clock, "ann", "", true, 0, &draft, NULL), 0);
    store_close(store);
}

static void test_schema_2(void **state)
{
    struct draft draft;
    struct draft_items items;
    struct user user;
    struct audit_check check = AUDIT_CHECK_INIT;

    (void)state;
    restore(2);
    struct store *store = help_db_open(path);
    assert_int_equal(draft_find_default(store, &now.clock, "admin", &draft, NULL), 0);
    assert_int_equal(draft_items_load(store, draft.id, &items, NULL), 0);
    assert_int_equal(items.count, 2);
    struct config *running = load(store, 3);
    struct overlay *view = overlay_create(running, items.items, items.count, NULL);
    assert_int_equal(json_array_size(view->conflicts), 0);
    json_t *diff = overlay_diff(view);
    assert_int_equal(json_array_size(diff), 2);
    json_decref(diff);
    overlay_destroy(view);
    config_unref(running);
    draft_items_finish(&items);
    assert_int_equal(users_find(store, SLICE("admin"), &user, NULL), 0);
    assert_int_equal(audit_check(store, &check, 10, NULL), 0);
    assert_true(check.is_done && check.broken == 0 && check.checked == 1);
    assert_revisions(store);
    store_close(store);
}

/* A migrated database is as a new one, to the letter; there is a fixture for every schema but the
 * newest. */
static void test_same_shape(void **state)
{
    (void)state;
    store_close(help_db_open(path));
    unsigned long long newest = ask_number("PRAGMA user_version");
    char *wanted = mem_strdup(ask(SHAPE));
    for (unsigned schema = 1; schema < newest; schema++) {
        help_db_remove(path);
        restore(schema);
        store_close(help_db_open(path));
        assert_int_equal(ask_number("PRAGMA user_version"), newest);
        assert_string_equal(ask("PRAGMA integrity_check"), "ok");
        assert_string_equal(ask(SHAPE), wanted);
        store_close(help_db_open(path)); /* twice is once */
    }
    free(wanted);
}

/* A migration that cannot be done leaves the old database as it was. */
static void test_failed_migration(void **state)
{
    struct store *store;
    struct error error;
    sqlite3 *db;

    (void)state;
    restore(1);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    exec_on(db, "CREATE TABLE tokens(x)"); /* in the way of the third table of migration 2 */
    (void)sqlite3_close(db);
    assert_int_equal(store_open(path, &store, &error), ERR_DB);
    assert_non_null(strstr(error.text, "tokens"));
    assert_string_equal(ask("PRAGMA user_version"), "1");
    assert_string_equal(ask("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'users'"), "0");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    exec_on(db, "DROP TABLE tokens");
    (void)sqlite3_close(db);
    store_close(help_db_open(path));
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_schema_1),
        IN_DIR(test_schema_2),
        IN_DIR(test_same_shape),
        IN_DIR(test_failed_migration),
    };

    databases = argc > 1 ? argv[1] : "tests/unit/databases";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
