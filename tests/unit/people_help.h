/* A database of its own for each test of users, sessions, tokens and the audit, with a fake clock.
 * Include it after cmocka.h. */
#ifndef POSTERN_UNIT_PEOPLE_HELP_H
#define POSTERN_UNIT_PEOPLE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/users.h"
#include "db_help.h"

struct people {
    char dir[32], path[48];
    struct store *store;
    struct clock_fake clock;
    struct config_errors errors;
    struct mem_arena arena;
    struct error error;
};

/* A cmocka state: one at a time is enough. */
static struct people people;

static inline void people_open(void)
{
    people.store = help_db_open(people.path);
}

/* As a restart does. */
static inline void people_reopen(void)
{
    store_close(people.store);
    people_open();
}

static inline int people_set_up(void **state)
{
    *state = &people;
    people = (struct people){.dir = "/tmp/test_people.XXXXXX"};
    if (mkdtemp(people.dir) == NULL)
        return -1;
    (void)snprintf(people.path, sizeof(people.path), "%s/postern.db", people.dir);
    clock_fake_init(&people.clock, 1700000000000);
    config_errors_init(&people.errors);
    mem_arena_init(&people.arena);
    people_open();
    return 0;
}

static inline int people_tear_down(void **state)
{
    (void)state;
    store_close(people.store);
    config_errors_finish(&people.errors);
    mem_arena_finish(&people.arena);
    help_db_remove(people.path);
    return rmdir(people.dir);
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, people_set_up, people_tear_down)

/* Fails with what the database said, unless R is what was WANTED. */
#define assert_result(r, wanted)                                                                   \
    do {                                                                                           \
        int result = (r);                                                                          \
        if (result != (wanted))                                                                    \
            fail_msg("%d, not %d: %s", result, (int)(wanted), people.error.text);                  \
    } while (0)

/* The only mistake that was found since the last call is this one. */
static inline void assert_mistake(const char *pointer, const char *code)
{
    assert_int_equal(people.errors.count, 1);
    assert_string_equal(people.errors.items[0].pointer, pointer);
    assert_string_equal(people.errors.items[0].code, code);
    config_errors_finish(&people.errors);
    config_errors_init(&people.errors);
}

static inline void people_add(const char *name, enum role role)
{
    assert_result(users_create(people.store, &people.clock.clock, slice_str(name), role, "$y$hash",
                               &people.errors, &people.error),
                  0);
}

/* What another program does to the file: runs SQL, returns the first number or -1. */
static inline int64_t people_sql(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(people.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    int step = sqlite3_step(stmt);
    assert_true(step == SQLITE_ROW || step == SQLITE_DONE);
    int64_t value = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return value;
}

#endif
