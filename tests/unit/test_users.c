/* Administrators: names, what each change does, that the last one stays, and what a refusal leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people_help.h"

static const struct slice nobody = {"", 0};

static struct user get(const char *name)
{
    struct user user;
    assert_result(users_find(people.store, slice_str(name), &user, &people.error), 0);
    return user;
}

static bool has_administrator(void)
{
    bool has = false;
    assert_result(users_has_administrator(people.store, &has, &people.error), 0);
    return has;
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *normal; /* NULL: refused */
    } cases[] = {
        {"a", "a"},
        {"Kim.Min-Soo_2", "kim.min-soo_2"},
        {"0", "0"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"},
        {"x23456789012345678901234567890123456789012345678901234567890123",
         "x23456789012345678901234567890123456789012345678901234567890123"},
        {"x234567890123456789012345678901234567890123456789012345678901234", NULL},
        {"", NULL},
        {".a", NULL},
        {"-a", NULL},
        {"_a", NULL},
        {"a b", NULL},
        {"a/b", NULL},
        {"a:b", NULL},
        {"a\n", NULL},
        {"@", NULL},
        {"[", NULL},
        {"`", NULL},
        {"{", NULL},
        {"k\xc3\xb6nig", NULL},
    };
    char normal[USER_NAME_MAX + 1] = "";
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(user_name_normalize(slice_str(cases[i].name), normal),
                         cases[i].normal != NULL);
        if (cases[i].normal != NULL)
            assert_string_equal(normal, cases[i].normal);
    }
    assert_false(user_name_normalize(SLICE("a\0b"), normal));
}

static void test_create_and_find(void **state)
{
    (void)state;
    struct user user, *users;
    size_t count;
    char hash[PASSWORD_HASH_SIZE];
    assert_false(has_administrator());
    people_add("Kim", ROLE_ADMINISTRATOR);
    clock_fake_advance(&people.clock, 5);
    people_add("ann", ROLE_OPERATOR);
    people_reopen();
    assert_true(has_administrator());
    user = get("KIM");
    assert_string_equal(user.name, "kim");
    assert_int_equal(user.role, ROLE_ADMINISTRATOR);
    assert_false(user.is_disabled);
    assert_int_equal(user.created_ms, 1700000000000);
    assert_int_equal(user.password_ms, 1700000000000);
    assert_result(users_find_hash(people.store, SLICE("kim"), &user, hash, &people.error), 0);
    assert_string_equal(hash, "$y$hash");
    assert_result(users_find(people.store, SLICE("bob"), &user, &people.error), ERR_NOT_FOUND);
    assert_result(users_find(people.store, SLICE("' OR 1=1 --"), &user, &people.error),
                  ERR_NOT_FOUND);
    assert_result(users_list(people.store, &people.arena, &users, &count, &people.error), 0);
    assert_int_equal(count, 2);
    assert_string_equal(users[0].name, "ann");
    assert_int_equal(users[0].role, ROLE_OPERATOR);
    assert_int_equal(users[0].created_ms, 1700000000005);
    assert_string_equal(users[1].name, "kim");
}

static int create(struct slice name, enum role role)
{
    return users_create(people.store, &people.clock.clock, name, role, "h", &people.errors,
                        &people.error);
}

static void test_create_refused(void **state)
{
    (void)state;
    people_add("kim", ROLE_ADMINISTRATOR);
    assert_result(create(SLICE("Kim"), ROLE_OPERATOR), ERR_EXISTS);
    assert_mistake("/name", "key.duplicate");
    assert_int_equal(get("kim").role, ROLE_ADMINISTRATOR);
    assert_result(create(SLICE("a b"), ROLE_OPERATOR), ERR_INVALID);
    assert_mistake("/name", "value.pattern");
    assert_result(create(SLICE(""), ROLE_OPERATOR), ERR_INVALID);
    assert_mistake("/name", "value.length");
    assert_result(create(SLICE("ann"), ROLE_COUNT), ERR_INVALID);
    assert_mistake("/role", "value.enum");
    /* Both at once. */
    assert_result(create(SLICE(""), ROLE_COUNT), ERR_INVALID);
    assert_int_equal(people.errors.count, 2);
    assert_int_equal(people_sql("SELECT count(*) FROM users"), 1);
}

static void test_too_many(void **state)
{
    (void)state;
    (void)people_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
                     " INSERT INTO users SELECT 'u' || i, 'operator', 'h', 0, 0, 0 FROM n");
    people_add("last", ROLE_ADMINISTRATOR);
    assert_result(create(SLICE("over"), ROLE_ADMINISTRATOR), ERR_INVALID);
    assert_mistake("/name", "rule.too_many");
}

static int set_role(const char *name, enum role role)
{
    return users_set_role(people.store, slice_str(name), role, &people.errors, &people.error);
}

static int set_disabled(const char *name, bool is_disabled)
{
    return users_set_disabled(people.store, slice_str(name), is_disabled, &people.errors,
                              &people.error);
}

static int delete_user(const char *name)
{
    return users_delete(people.store, slice_str(name), &people.errors, &people.error);
}

static void test_changes(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    struct user user;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    assert_result(set_role("Ann", ROLE_READ_ONLY), 0);
    assert_int_equal(get("ann").role, ROLE_READ_ONLY);
    assert_int_equal(get("kim").role, ROLE_ADMINISTRATOR);
    assert_result(set_role("ann", ROLE_COUNT), ERR_INVALID);
    assert_mistake("/role", "value.enum");
    assert_result(set_disabled("ann", true), 0);
    assert_true(get("ann").is_disabled);
    assert_false(get("kim").is_disabled);
    assert_result(set_disabled("ann", false), 0);
    assert_false(get("ann").is_disabled);
    clock_fake_advance(&people.clock, 7);
    assert_result(users_set_password(people.store, &people.clock.clock, SLICE("ann"), "new", nobody,
                                     &people.errors, &people.error),
                  0);
    assert_result(users_find_hash(people.store, SLICE("ann"), &user, hash, &people.error), 0);
    assert_string_equal(hash, "new");
    assert_int_equal(user.password_ms, 1700000000007);
    assert_int_equal(user.created_ms, 1700000000000);
    assert_result(users_find_hash(people.store, SLICE("kim"), &user, hash, &people.error), 0);
    assert_string_equal(hash, "$y$hash");
    assert_result(delete_user("ann"), 0);
    assert_result(users_find(people.store, SLICE("ann"), &user, &people.error), ERR_NOT_FOUND);
    (void)get("kim");
}

static void test_nobody_of_that_name(void **state)
{
    (void)state;
    char too_long[100] = "";
    memset(too_long, 'x', sizeof(too_long) - 1);
    const char *const names[] = {"bob", "", "b b", too_long};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_result(set_role(names[i], ROLE_OPERATOR), ERR_NOT_FOUND);
        assert_mistake("", "ref.missing");
        assert_result(set_disabled(names[i], true), ERR_NOT_FOUND);
        assert_mistake("", "ref.missing");
        assert_result(delete_user(names[i]), ERR_NOT_FOUND);
        assert_mistake("", "ref.missing");
        assert_result(users_set_password(people.store, &people.clock.clock, slice_str(names[i]),
                                         "h", nobody, &people.errors, &people.error),
                      ERR_NOT_FOUND);
        assert_mistake("", "ref.missing");
    }
}

/* Whatever else there is, an enabled administrator stays. */
static void test_last_administrator(void **state)
{
    (void)state;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    people_add("lee", ROLE_ADMINISTRATOR);
    assert_result(set_disabled("lee", true), 0);
    assert_result(set_disabled("kim", true), ERR_INVALID);
    assert_mistake("/disabled", "rule.last_administrator");
    assert_result(set_role("kim", ROLE_OPERATOR), ERR_INVALID);
    assert_mistake("/role", "rule.last_administrator");
    assert_result(delete_user("kim"), ERR_INVALID);
    assert_mistake("", "rule.last_administrator");
    assert_result(set_role("kim", ROLE_ADMINISTRATOR), 0); /* no change */
    assert_result(set_disabled("kim", false), 0);
    assert_int_equal(get("kim").role, ROLE_ADMINISTRATOR);
    assert_false(get("kim").is_disabled);
    /* A disabled administrator is none: it may go or change. */
    assert_result(set_role("lee", ROLE_READ_ONLY), 0);
    assert_result(set_role("lee", ROLE_ADMINISTRATOR), 0);
    assert_result(set_disabled("lee", false), 0);
    assert_result(delete_user("kim"), 0);
    assert_result(delete_user("lee"), ERR_INVALID);
    assert_mistake("", "rule.last_administrator");
    assert_true(has_administrator());
    /* Nor does it keep the place free when somebody disabled the only one by hand. */
    (void)people_sql("UPDATE users SET is_disabled = 1");
    assert_false(has_administrator());
    assert_result(delete_user("lee"), 0);
}

static void test_setup(void **state)
{
    (void)state;
    struct user user;
    char hash[PASSWORD_HASH_SIZE];
    const struct clock *clock = &people.clock.clock;
    assert_result(
        users_setup(people.store, clock, SLICE("Kim"), "one", &people.errors, &people.error), 0);
    assert_int_equal(get("kim").role, ROLE_ADMINISTRATOR);
    people_add("lee", ROLE_ADMINISTRATOR);
    assert_result(set_role("kim", ROLE_OPERATOR), 0);
    assert_result(set_disabled("kim", true), 0);
    assert_result(
        users_setup(people.store, clock, SLICE("kim"), "two", &people.errors, &people.error), 0);
    assert_result(users_find_hash(people.store, SLICE("kim"), &user, hash, &people.error), 0);
    assert_int_equal(user.role, ROLE_ADMINISTRATOR);
    assert_false(user.is_disabled);
    assert_string_equal(hash, "two");
    assert_result(
        users_setup(people.store, clock, SLICE("no body"), "two", &people.errors, &people.error),
        ERR_INVALID);
    assert_mistake("/name", "value.pattern");
}

/* The database refuses in the middle of a change: nothing of it is left, nothing is added to the
 * mistakes, and the next change works. */
static void test_database_refuses(void **state)
{
    (void)state;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    (void)people_sql("INSERT INTO sessions VALUES('s', x'00', 'ann', 0, 0, 0, '', '')");
    (void)people_sql("CREATE TRIGGER t BEFORE UPDATE ON users BEGIN"
                     " SELECT RAISE(ABORT, 'disk on fire'); END");
    assert_result(set_disabled("ann", true), ERR_DB);
    assert_non_null(strstr(people.error.text, "disk on fire"));
    assert_int_equal(people.errors.count, 0);
    assert_int_equal(people_sql("SELECT count(*) FROM sessions"), 1);
    (void)people_sql("DROP TRIGGER t");
    assert_result(set_disabled("ann", true), 0);
    assert_int_equal(people_sql("SELECT count(*) FROM sessions"), 0);
    (void)people_sql("UPDATE users SET role = 'king' WHERE name = 'ann'");
    struct user user;
    assert_result(users_find(people.store, SLICE("ann"), &user, &people.error), ERR_INVALID);
    assert_non_null(strstr(people.error.text, "no role"));
}

static void test_sessions_end(void **state)
{
    (void)state;
    const char *insert =
        "INSERT INTO sessions VALUES('a', x'00', 'ann', 0, 0, 0, '', ''),"
        "('b', x'01', 'ann', 0, 0, 0, '', ''), ('k', x'02', 'kim', 0, 0, 0, '', '')";
    const char *count = "SELECT count(*) FROM sessions";
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    (void)people_sql(insert);
    assert_result(set_role("ann", ROLE_READ_ONLY), 0);
    assert_result(set_disabled("ann", false), 0);
    assert_int_equal(people_sql(count), 3);
    assert_result(users_set_password(people.store, &people.clock.clock, SLICE("ann"), "h",
                                     SLICE("b"), &people.errors, &people.error),
                  0);
    assert_int_equal(people_sql(count), 2);
    assert_int_equal(people_sql("SELECT count(*) FROM sessions WHERE id = 'b'"), 1);
    assert_result(users_setup(people.store, &people.clock.clock, SLICE("ann"), "h", &people.errors,
                              &people.error),
                  0);
    assert_int_equal(people_sql(count), 1);
    (void)people_sql("INSERT INTO sessions VALUES('a', x'00', 'ann', 0, 0, 0, '', '')");
    (void)people_sql("INSERT INTO tokens VALUES('t', x'00', 'ann', 'n', '', 0, 0, 0)");
    assert_result(delete_user("ann"), 0);
    assert_int_equal(people_sql(count), 1);
    assert_int_equal(people_sql("SELECT count(*) FROM tokens"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        WITH_PEOPLE(test_create_and_find),
        WITH_PEOPLE(test_create_refused),
        WITH_PEOPLE(test_too_many),
        WITH_PEOPLE(test_changes),
        WITH_PEOPLE(test_nobody_of_that_name),
        WITH_PEOPLE(test_last_administrator),
        WITH_PEOPLE(test_setup),
        WITH_PEOPLE(test_database_refuses),
        WITH_PEOPLE(test_sessions_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
