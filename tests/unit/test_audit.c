/* The audit: what a row says, lists with filters and cursor, and that the chain shows every change,
 * insertion, removal and cut that somebody makes without redoing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/audit.h"
#include "config/draft.h"
#include "config/sessions.h"
#include "config/tokens.h"
#include "people_help.h"

static uint64_t append(const struct audit_entry *entry)
{
    uint64_t number = 0;
    assert_result(audit_append(people.store, &people.clock.clock, entry, &number, &people.error),
                  0);
    return number;
}

/* COUNT rows, a second apart. */
static void append_rows(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char target[32];
        (void)snprintf(target, sizeof(target), "listeners/%u", i);
        (void)append(&(struct audit_entry){.principal = i % 2 == 0 ? SLICE("kim") : SLICE("ann"),
                                           .action = i % 3 == 0 ? "session.create" : "config.put",
                                           .target = slice_str(target),
                                           .outcome = (enum audit_outcome)(i % 3)});
        clock_fake_advance(&people.clock, 1000);
    }
}

static struct audit_row *list(const struct audit_filter *filter, size_t limit, size_t *ret_count,
                              uint64_t *ret_next)
{
    struct audit_row *rows = NULL;
    assert_result(audit_list(people.store, filter, limit, &people.arena, &rows, ret_count, ret_next,
                             &people.error),
                  0);
    return rows;
}

static size_t count_of(const struct audit_filter *filter)
{
    size_t count = 0;
    uint64_t next = 1;
    (void)list(filter, 1000, &count, &next);
    assert_int_equal(next, 0);
    return count;
}

/* Walks the chain a few rows at a time; the number of what does not fit. */
static uint64_t check(void)
{
    struct audit_check check = AUDIT_CHECK_INIT, whole = AUDIT_CHECK_INIT;
    for (unsigned rounds = 0; !check.is_done; rounds++) {
        assert_true(rounds < 1000);
        assert_result(audit_check(people.store, &check, 3, &people.error), 0);
    }
    assert_result(audit_check(people.store, &whole, 1000, &people.error), 0);
    assert_true(whole.is_done);
    assert_int_equal(whole.broken, check.broken);
    assert_int_equal(whole.checked, check.checked);
    return check.broken;
}

static void test_append_and_list(void **state)
{
    (void)state;
    struct audit_row *rows;
    size_t count;
    uint64_t next;
    const struct slice fields[] = {SLICE("port"), SLICE("/tls/min_version")};
    const struct ip address = {.family = 4, .bytes = {192, 0, 2, 7}};
    assert_int_equal(check(), 0);
    assert_int_equal(append(&(struct audit_entry){.principal = SLICE("kim"),
                                                  .address = &address,
                                                  .action = "config.put",
                                                  .target = SLICE("listeners/\xea\xb0\x80 1"),
                                                  .outcome = AUDIT_DONE,
                                                  .fields = fields,
                                                  .field_count = 2,
                                                  .request = SLICE("0123456789abcdef")}),
                     1);
    clock_fake_advance(&people.clock, 1);
    assert_int_equal(
        append(&(struct audit_entry){.action = "session.create", .outcome = AUDIT_REFUSED}), 2);
    people_reopen();
    rows = list(&(struct audit_filter){.before = 0}, 10, &count, &next);
    assert_int_equal(count, 2);
    assert_int_equal(next, 0);
    assert_int_equal(rows[1].number, 1);
    assert_int_equal(rows[1].at_ms, 1700000000000);
    assert_true(slice_eq(rows[1].principal, SLICE("kim")));
    assert_true(slice_eq(rows[1].address, SLICE("192.0.2.7")));
    assert_true(slice_eq(rows[1].action, SLICE("config.put")));
    assert_true(slice_eq(rows[1].target, SLICE("listeners/\xea\xb0\x80 1")));
    assert_int_equal(rows[1].outcome, AUDIT_DONE);
    assert_true(slice_eq(rows[1].detail, SLICE("{\"fields\":[\"port\",\"/tls/min_version\"]}")));
    assert_true(slice_eq(rows[1].request, SLICE("0123456789abcdef")));
    assert_int_equal(rows[0].number, 2);
    assert_int_equal(rows[0].at_ms, 1700000000001);
    assert_int_equal(rows[0].outcome, AUDIT_REFUSED);
    assert_true(slice_eq(rows[0].detail, SLICE("{}")));
    assert_int_equal(rows[0].principal.len + rows[0].address.len + rows[0].target.len, 0);
    assert_int_equal(check(), 0);
}

/* The encoding is a contract: a checker of its own, outside, must be able to follow the chain. */
static void test_known_hash(void **state)
{
    (void)state;
    static const char encoded[] = "\0\0\0\x08\0\0\0\0\0\0\0\x01"
                                  "\0\0\0\x08\0\0\x01\x8b\xcf\xe5\x68\0"
                                  "\0\0\0\x03kim"
                                  "\0\0\0\0"
                                  "\0\0\0\x06"
                                  "logout"
                                  "\0\0\0\0"
                                  "\0\0\0\x04"
                                  "done"
                                  "\0\0\0\x02{}"
                                  "\0\0\0\x02id"
                                  "\0\0\0\x20"
                                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    uint8_t wanted[SHA256_BYTES], hash[SHA256_BYTES];
    uint64_t number = 0;
    (void)append(&(struct audit_entry){
        .principal = SLICE("kim"), .action = "logout", .request = SLICE("id")});
    sha256(slice_of(encoded, sizeof(encoded)), wanted); /* the literal's NUL is the last zero */
    assert_result(audit_newest(people.store, &number, hash, &people.error), 0);
    assert_int_equal(number, 1);
    assert_memory_equal(hash, wanted, sizeof(hash));
    assert_result(audit_hash_at(people.store, 1, hash, &people.error), 0);
    assert_memory_equal(hash, wanted, sizeof(hash));
    assert_result(audit_hash_at(people.store, 2, hash, &people.error), ERR_NOT_FOUND);
}

static void test_newest_of_none(void **state)
{
    (void)state;
    static const uint8_t zeros[SHA256_BYTES];
    uint8_t hash[SHA256_BYTES];
    uint64_t number = 7;
    assert_result(audit_newest(people.store, &number, hash, &people.error), 0);
    assert_int_equal(number, 0);
    assert_memory_equal(hash, zeros, sizeof(hash));
}

static void test_filters(void **state)
{
    (void)state;
    int64_t begin = people.clock.now_wall_ms;
    append_rows(30);
    assert_int_equal(count_of(&(struct audit_filter){.before = 0}), 30);
    assert_int_equal(count_of(&(struct audit_filter){.principal = SLICE("kim")}), 15);
    assert_int_equal(count_of(&(struct audit_filter){.principal = SLICE("ki")}), 0);
    assert_int_equal(count_of(&(struct audit_filter){.action = SLICE("session.create")}), 10);
    assert_int_equal(count_of(&(struct audit_filter){.action = SLICE("session")}), 10);
    assert_int_equal(count_of(&(struct audit_filter){.action = SLICE("sess")}), 0);
    assert_int_equal(count_of(&(struct audit_filter){.action = SLICE("%")}), 0);
    assert_int_equal(count_of(&(struct audit_filter){.target = SLICE("listeners/4")}), 1);
    assert_int_equal(count_of(&(struct audit_filter){.has_outcome = true, .outcome = AUDIT_DONE}),
                     10);
    assert_int_equal(count_of(&(struct audit_filter){.from_ms = begin + 5000}), 25);
    assert_int_equal(count_of(&(struct audit_filter){.to_ms = begin + 5000}), 5);
    assert_int_equal(count_of(&(struct audit_filter){.before = 11}), 10);
    assert_int_equal(count_of(&(struct audit_filter){.before = UINT64_MAX}), 30);
    assert_int_equal(count_of(&(struct audit_filter){.principal = SLICE("ann"),
                                                     .action = SLICE("config"),
                                                     .has_outcome = true,
                                                     .outcome = AUDIT_REFUSED,
                                                     .from_ms = begin + 1000,
                                                     .to_ms = begin + 7001,
                                                     .before = 9}),
                     2);
}

static void test_cursor(void **state)
{
    (void)state;
    size_t count;
    uint64_t next = 0, wanted = 30;
    append_rows(30);
    for (unsigned page = 0; page < 5; page++) {
        struct audit_row *rows = list(&(struct audit_filter){.before = next}, 7, &count, &next);
        assert_int_equal(count, page < 4 ? 7 : 2);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(rows[i].number, wanted--);
        if (page == 0)
            append_rows(3); /* does not move what follows */
    }
    assert_int_equal(next, 0);
    assert_int_equal(wanted, 0);
    /* The last row on a full page: nothing follows. */
    (void)list(&(struct audit_filter){.before = 8}, 7, &count, &next);
    assert_int_equal(count, 7);
    assert_int_equal(next, 0);
}

/* A search that finds nothing looks at AUDIT_SCAN_MAX rows, then says where to go on. */
static void test_bounded_search(void **state)
{
    (void)state;
    size_t count;
    uint64_t next;
    append_rows(2);
    (void)people_sql(
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)"
        " INSERT INTO audit SELECT i, 0, 'x', '', 'a', '', 'done', '{}', '', x'', x''"
        " FROM n");
    struct audit_filter filter = {.principal = SLICE("kim")};
    (void)list(&filter, 10, &count, &next);
    assert_int_equal(count, 0);
    assert_int_equal(next, 25001 - AUDIT_SCAN_MAX);
    filter.before = next;
    struct audit_row *rows = list(&filter, 10, &count, &next);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].number, 1);
    assert_int_equal(next, 0);
}

/* Names only, whatever is handed in. */
static void test_no_values(void **state)
{
    (void)state;
    struct slice fields[AUDIT_FIELDS_MAX + 5];
    char longest[AUDIT_FIELD_MAX + 1];
    struct audit_row *rows;
    size_t count;
    uint64_t next;
    memset(longest, 'n', sizeof(longest));
    const struct slice some[] = {SLICE("a_B-9.~/0"),
                                 SLICE("pass word"),
                                 SLICE(""),
                                 SLICE("-----BEGIN PRIVATE KEY-----\n"),
                                 SLICE("\"},{\""),
                                 SLICE("\xea\xb0\x80"),
                                 slice_of(longest, AUDIT_FIELD_MAX + 1),
                                 SLICE("b")};
    (void)append(&(struct audit_entry){.action = "x", .fields = some, .field_count = 8});
    (void)append(&(struct audit_entry){.action = "x", .fields = some + 1, .field_count = 1});
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = slice_of(longest, AUDIT_FIELD_MAX);
    (void)append(
        &(struct audit_entry){.action = "x", .fields = fields, .field_count = ARRAY_LEN(fields)});
    rows = list(&(struct audit_filter){.before = 0}, 10, &count, &next);
    assert_true(slice_eq(rows[2].detail, SLICE("{\"fields\":[\"a_B-9.~/0\",\"b\"],\"more\":6}")));
    assert_true(slice_eq(rows[1].detail, SLICE("{\"more\":1}")));
    assert_int_equal(rows[0].detail.len, 11 + AUDIT_FIELDS_MAX * (AUDIT_FIELD_MAX + 3) + 10);
    assert_true(slice_ends_nocase(rows[0].detail, SLICE("n\"],\"more\":5}")));
}

/* Texts from outside: cut between characters, printable, UTF-8. */
static void test_texts_from_outside(void **state)
{
    (void)state;
    static const struct {
        struct slice given, kept;
    } cases[] = {
        {{"a\r\n\t\x7f\0b", 7}, {"a?????b", 7}},
        {{"\xc2\x80\xc2\x9f\xc2\xa0", 6}, {"????\xc2\xa0", 6}},
        {{"\xff\xfe\xc0\xaf\xe0\x80\xaf", 7}, {"???????", 7}},
        {{"\xed\xa0\x80\xf4\x90\x80\x80", 7}, {"???????", 7}},
        {{"\xea\xb0", 2}, {"??", 2}},
        {{"\xf8\x90\x80\x80", 4}, {"????", 4}},
        {{"\xf0\x9f\x93\xa7\xf4\x8f\xbf\xbf", 8}, {"\xf0\x9f\x93\xa7\xf4\x8f\xbf\xbf", 8}},
        {{"\xf0\x8f\xbf\xbf", 4}, {"????", 4}},
    };
    char longer[AUDIT_TARGET_MAX + 10];
    struct audit_row *rows;
    size_t count;
    uint64_t next;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)append(&(struct audit_entry){
            .principal = cases[i].given, .action = "x", .target = cases[i].given});
        rows = list(&(struct audit_filter){.before = 0}, 1, &count, &next);
        assert_true(slice_eq(rows[0].principal, cases[i].kept));
        assert_true(slice_eq(rows[0].target, cases[i].kept));
    }
    memset(longer, 'x', sizeof(longer));
    memcpy(longer + AUDIT_TARGET_MAX - 2, "\xea\xb0\x80", 3);
    (void)append(&(struct audit_entry){.principal = slice_of(longer, sizeof(longer)),
                                       .action = "x",
                                       .target = slice_of(longer, sizeof(longer)),
                                       .request = slice_of(longer, sizeof(longer))});
    rows = list(&(struct audit_filter){.before = 0}, 1, &count, &next);
    assert_int_equal(rows[0].principal.len, AUDIT_PRINCIPAL_MAX);
    assert_int_equal(rows[0].target.len, AUDIT_TARGET_MAX - 2);
    assert_int_equal(rows[0].request.len, AUDIT_REQUEST_MAX);
    assert_int_equal(check(), 0);
}

static void test_append_only(void **state)
{
    (void)state;
    sqlite3 *db;
    append_rows(3);
    assert_int_equal(sqlite3_open(people.path, &db), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "UPDATE audit SET principal = 'x'", NULL, NULL, NULL),
                         SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(count_of(&(struct audit_filter){.before = 0}), 3);
    /* Disabled and deleted users stay in it. */
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    assert_result(users_delete(people.store, SLICE("ann"), &people.errors, &people.error), 0);
    assert_int_equal(count_of(&(struct audit_filter){.principal = SLICE("ann")}), 1);
}

/* Each on a fresh chain of ten rows, by somebody who takes the triggers away first. */
static void test_tampering(void **state)
{
    static const struct {
        const char *sql;
        uint64_t broken;
    } cases[] = {
        {"UPDATE audit SET at_ms = at_ms + 1 WHERE number = 4", 4},
        {"UPDATE audit SET principal = 'ann' WHERE number = 3", 3},
        {"UPDATE audit SET address = '::1' WHERE number = 1", 1},
        {"UPDATE audit SET action = 'x' WHERE number = 10", 10},
        {"UPDATE audit SET target = '' WHERE number = 5", 5},
        {"UPDATE audit SET outcome = 'failed' WHERE number = 4", 4},
        {"UPDATE audit SET detail = '[]' WHERE number = 6", 6},
        {"UPDATE audit SET request = 'y' WHERE number = 7", 7},
        {"UPDATE audit SET previous = zeroblob(32) WHERE number = 8", 8},
        {"UPDATE audit SET hash = zeroblob(32) WHERE number = 9", 9},
        {"UPDATE audit SET hash = x'' WHERE number = 10", 10},
        /* the border between two columns is moved */
        {"UPDATE audit SET principal = 'ki', address = 'm' WHERE number = 1", 1},
        {"DELETE FROM audit WHERE number = 1", 1},
        {"DELETE FROM audit WHERE number = 5", 5},
        {"DELETE FROM audit WHERE number = 10", 10},
        {"DELETE FROM audit WHERE number > 6", 7},
        {"DELETE FROM audit", 1},
        {"UPDATE audit SET number = 11 WHERE number = 5", 5},
        {"UPDATE audit SET number = -1 WHERE number = 10", 1},
        {"INSERT INTO audit SELECT 11, at_ms, principal, address, action, target, outcome, detail,"
         " request, previous, hash FROM audit WHERE number = 10",
         11},
        {"INSERT INTO audit SELECT 0, at_ms, principal, address, action, target, outcome, detail,"
         " request, previous, hash FROM audit WHERE number = 1",
         1},
        {"DELETE FROM audit_head", 11},
        {"UPDATE audit_head SET hash = zeroblob(32)", 11},
        {"UPDATE audit_head SET number = 20", 11},
        {"UPDATE audit_head SET number = 9", 11},
        {"UPDATE audit_head SET number = 9, hash = (SELECT hash FROM audit WHERE number = 9)", 11},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (i > 0) {
            assert_int_equal(people_tear_down(state), 0);
            assert_int_equal(people_set_up(state), 0);
        }
        append_rows(10);
        assert_int_equal(check(), 0);
        (void)people_sql("DROP TRIGGER audit_keeps");
        (void)people_sql("DROP TRIGGER audit_stays");
        (void)people_sql(cases[i].sql);
        if (check() != cases[i].broken)
            fail_msg("%s: %llu", cases[i].sql, (unsigned long long)check());
        /* What comes later does not mend it. */
        append_rows(3);
        assert_int_equal(check(), cases[i].broken);
        /* Nor does a number come back. */
        assert_true(people_sql("SELECT max(number) FROM audit") >= 13);
    }
}

/* What audit.h says it cannot prove, and what shows it all the same. */
static void test_kept_elsewhere(void **state)
{
    (void)state;
    uint8_t kept[SHA256_BYTES], hash[SHA256_BYTES];
    uint64_t number;
    append_rows(5);
    assert_result(audit_newest(people.store, &number, kept, &people.error), 0);
    (void)people_sql("DROP TRIGGER audit_stays");
    (void)people_sql("DELETE FROM audit WHERE number > 3");
    (void)people_sql("UPDATE audit_head SET number = 3,"
                     " hash = (SELECT hash FROM audit WHERE number = 3)");
    assert_int_equal(check(), 0);
    append_rows(2);
    assert_int_equal(check(), 0);
    assert_result(audit_hash_at(people.store, number, hash, &people.error), 0);
    assert_memory_not_equal(hash, kept, sizeof(hash));
}

/* Half a row is none. */
static void test_database_refuses(void **state)
{
    (void)state;
    uint64_t number = 0;
    const struct audit_entry entry = {.action = "x"};
    append_rows(3);
    (void)people_sql("CREATE TRIGGER t BEFORE INSERT ON audit_head BEGIN"
                     " SELECT RAISE(ABORT, 'disk on fire'); END");
    assert_result(audit_append(people.store, &people.clock.clock, &entry, &number, &people.error),
                  ERR_DB);
    assert_int_equal(number, 0);
    (void)people_sql("DROP TRIGGER t");
    assert_int_equal(check(), 0);
    assert_int_equal(append(&entry), 4);
    assert_int_equal(check(), 0);
    (void)people_sql("UPDATE audit_head SET number = 9223372036854775807");
    assert_result(audit_append(people.store, &people.clock.clock, &entry, &number, &people.error),
                  ERR_INVALID);
}

/* --- in the transaction of what is told --- */

static int write_row(struct store_rider *rider, struct error *reterr)
{
    (void)rider;
    return audit_append(people.store, &people.clock.clock,
                        &(struct audit_entry){.action = "user_create"}, NULL, reterr);
}

static int refuse_row(struct store_rider *rider, struct error *reterr)
{
    int r = write_row(rider, reterr);
    return r < 0 ? r : error_set(reterr, ERR_FULL, "no room");
}

static int create(const char *name)
{
    return users_create(people.store, &people.clock.clock, slice_str(name), ROLE_OPERATOR,
                        "$y$hash", &people.errors, &people.error);
}

static void test_rider(void **state)
{
    (void)state;
    struct store_rider rider = {.write = write_row};
    const struct audit_filter all = {0};
    store_set_rider(people.store, &rider);
    assert_result(create("No Name"), ERR_INVALID);
    config_errors_finish(&people.errors);
    config_errors_init(&people.errors);
    assert_false(rider.is_stored);
    assert_int_equal(count_of(&all), 0);
    assert_result(create("kim"), 0);
    assert_true(rider.is_stored);
    assert_int_equal(count_of(&all), 1);
    assert_result(create("kim"), ERR_EXISTS);
    assert_mistake("/name", "key.duplicate");
    assert_result(create("ann"), 0);
    assert_int_equal(count_of(&all), 1); /* once */
    /* Several as one: a part that fails is undone, with all of it and without the row. */
    rider.is_stored = false;
    store_set_rider(people.store, &rider);
    assert_result(store_begin(people.store, &people.error), 0);
    assert_result(create("bob"), 0);
    assert_false(rider.is_stored);
    int r = create("ann");
    assert_mistake("/name", "key.duplicate");
    assert_result(store_end(people.store, r, &people.error), ERR_EXISTS);
    assert_false(rider.is_stored);
    assert_int_equal(count_of(&all), 1);
    assert_int_equal(people_sql("SELECT count(*) FROM users"), 2);
    store_set_rider(people.store, NULL);
    assert_int_equal(check(), 0);
}

static void test_rider_fails(void **state)
{
    (void)state;
    struct store_rider rider = {.write = refuse_row};
    store_set_rider(people.store, &rider);
    assert_result(create("kim"), ERR_FULL);
    assert_false(rider.is_stored);
    store_set_rider(people.store, NULL);
    assert_int_equal(people_sql("SELECT count(*) FROM users"), 0);
    assert_int_equal(people_sql("SELECT count(*) FROM audit"), 0);
    assert_result(create("kim"), 0);
}

/* What one statement does is a transaction too, if an administrator asked for it. */
static void test_every_change_takes_it(void **state)
{
    (void)state;
    struct store *store = people.store;
    struct clock *clock = &people.clock.clock;
    const struct ip address = {.family = 4, .bytes = {192, 0, 2, 7}};
    char secret[SESSION_SECRET_SIZE], text[TOKEN_TEXT_LEN + 1];
    struct session session, other;
    struct token token;
    struct draft draft;
    int64_t rows = 0;
    size_t ended = 0;
    struct store_rider rider;
#define ASSERT_TOLD(call)                                                                          \
    do {                                                                                           \
        rider = (struct store_rider){.write = write_row};                                          \
        store_set_rider(store, &rider);                                                            \
        assert_result(call, 0);                                                                    \
        assert_true(rider.is_stored);                                                              \
        assert_int_equal(people_sql("SELECT count(*) FROM audit"), ++rows);                        \
    } while (0)
    ASSERT_TOLD(create("kim"));
    ASSERT_TOLD(sessions_create(store, clock, SLICE("kim"), &address, SLICE("-"), secret, &session,
                                &people.error));
    ASSERT_TOLD(sessions_create(store, clock, SLICE("kim"), &address, SLICE("-"), secret, &other,
                                &people.error));
    ASSERT_TOLD(sessions_prove(store, clock, slice_str(session.id), &people.error));
    ASSERT_TOLD(sessions_revoke(store, SLICE("kim"), slice_str(other.id), &people.error));
    ASSERT_TOLD(sessions_revoke_all(store, SLICE("kim"), SLICE(""), &ended, &people.error));
    assert_int_equal(ended, 1);
    ASSERT_TOLD(tokens_create(store, clock, SLICE("kim"), SLICE("t"), 1U << SCOPE_CONFIG_READ, 0,
                              text, &token, &people.errors, &people.error));
    ASSERT_TOLD(tokens_revoke(store, SLICE("kim"), SLICE("t"), &people.error));
    ASSERT_TOLD(draft_create(store, clock, "kim", "", true, 0, &draft, &people.error));
    ASSERT_TOLD(draft_stage(store, clock, draft.id, NULL, 0, &people.error));
    ASSERT_TOLD(draft_delete(store, draft.id, &people.error));
#undef ASSERT_TOLD
    /* Nothing to revoke: nothing to tell of. */
    rider = (struct store_rider){.write = write_row};
    store_set_rider(store, &rider);
    assert_result(tokens_revoke(store, SLICE("kim"), SLICE("t"), &people.error), ERR_NOT_FOUND);
    assert_result(sessions_revoke(store, SLICE("kim"), SLICE("none"), &people.error),
                  ERR_NOT_FOUND);
    assert_false(rider.is_stored);
    store_set_rider(store, NULL);
    assert_int_equal(check(), 0);
}

static void test_words(void **state)
{
    (void)state;
    struct audit_row *rows;
    size_t count;
    uint64_t next;
    for (unsigned i = 0; i < AUDIT_OUTCOME_COUNT; i++)
        assert_int_equal(audit_outcome_find(slice_str(audit_outcome_word((enum audit_outcome)i))),
                         i);
    assert_int_equal(audit_outcome_find(SLICE("Done")), AUDIT_OUTCOME_COUNT);
    append_rows(1);
    (void)people_sql("DROP TRIGGER audit_keeps");
    (void)people_sql("UPDATE audit SET outcome = 'other'");
    rows = list(&(struct audit_filter){.before = 0}, 1, &count, &next);
    assert_int_equal(rows[0].outcome, AUDIT_OUTCOME_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_append_and_list), WITH_PEOPLE(test_known_hash),
        WITH_PEOPLE(test_newest_of_none),  WITH_PEOPLE(test_filters),
        WITH_PEOPLE(test_cursor),          WITH_PEOPLE(test_bounded_search),
        WITH_PEOPLE(test_no_values),       WITH_PEOPLE(test_texts_from_outside),
        WITH_PEOPLE(test_append_only),     WITH_PEOPLE(test_tampering),
        WITH_PEOPLE(test_kept_elsewhere),  WITH_PEOPLE(test_database_refuses),
        WITH_PEOPLE(test_words),           WITH_PEOPLE(test_rider),
        WITH_PEOPLE(test_rider_fails),     WITH_PEOPLE(test_every_change_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
