/* The database and the commit around it: round trips, what a refusal leaves behind, migrations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/commit.h"
#include "config/draft.h"
#include "config/sha256.h"
#include "db_help.h"

static char dir[] = "/tmp/test_store.XXXXXX";
static char path[64];

static struct config *load(unsigned domains, const char *order)
{
    struct config_errors errors;
    struct buf text;
    config_errors_init(&errors);
    buf_init(&text, 0);
    assert_true(buf_printf(
        &text,
        "{\"system\":{\"hostname\":\"gw.test\"},"
        "\"interfaces\":[{\"name\":\"A\",\"address\":\"127.0.0.1\",\"hostname\":\"gw.test\"}],"
        "\"listeners\":[{\"name\":\"M\",\"type\":\"public\",\"interface\":\"A\"}],"
        "\"mail-flow-policies\":[{\"name\":\"P\",\"action\":\"accept\"}],"
        "\"rat\":[%s{\"listener\":\"M\",\"recipient\":\"ALL\",\"action\":\"reject\"}],"
        "\"sender-groups\":[{\"listener\":\"M\",\"name\":\"ALL\",\"policy\":\"P\",\"senders\":"
        "[{\"sender\":\"ALL\"}]}],\"bounce-profiles\":[{\"name\":\"Default\"}],"
        "\"destination-controls\":[{\"domain\":\"Default\",\"tls\":\"none\",\"max_connections\":5,"
        "\"max_messages_per_connection\":5}",
        order));
    for (unsigned i = 0; i < domains; i++)
        assert_true(buf_printf(&text, ",{\"domain\":\"d%u.test\"}", i));
    assert_true(buf_append_str(&text, "]}"));
    struct config *c = config_load(buf_slice(&text), &errors);
    assert_non_null(c);
    config_errors_finish(&errors);
    buf_finish(&text);
    return c;
}

#define RAT(domain) "{\"listener\":\"M\",\"recipient\":\"" domain "\",\"action\":\"accept\"},"

static int64_t query(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    int step = sqlite3_step(stmt);
    int64_t value = step == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return value;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/postern.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    help_db_remove(path);
    return rmdir(dir);
}

static void test_sha256(void **state)
{
    (void)state;
    /* FIPS 180-4 examples: one block, two blocks, and the padding at its edge. */
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t hash[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        sha256(slice_str(cases[i].text), hash);
        for (size_t j = 0; j < SHA256_BYTES; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x", hash[j]);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void save(struct store *store, const struct config *c, uint64_t wanted)
{
    struct store_revision revision = {.created_ms = 5, .author = "me", .comment = "why"};
    struct error error;
    if (store_save_revision(store, c, NULL, &revision, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(revision.revision, wanted);
}

static void assert_stored(struct store *store, uint64_t revision, const struct config *wanted)
{
    struct config_errors errors;
    struct config *c;
    struct config_diff diff;
    config_errors_init(&errors);
    assert_int_equal(store_load_revision(store, revision, &errors, &c, NULL), 0);
    assert_true(config_validate(c, &errors));
    assert_int_equal(c->revision, revision);
    config_diff(c, wanted, &diff);
    assert_int_equal(diff.count, 0);
    config_diff_finish(&diff);
    config_unref(c);
    config_errors_finish(&errors);
}

static void test_revisions(void **state)
{
    (void)state;
    struct config_errors errors;
    struct config *loaded;
    struct store_revision newest;
    struct config *one = load(500, RAT("a.test") RAT("b.test"));
    struct config *two = load(499, RAT("b.test") RAT("a.test"));
    struct store *store = help_db_open(path);
    config_errors_init(&errors);
    assert_int_equal(store_newest_revision(store, &newest, NULL), ERR_NOT_FOUND);
    save(store, one, 1);
    int64_t first = query("SELECT count(*) FROM revision_items");
    save(store, two, 2);
    /* One destination gone, two RAT entries moved: a revision costs what it changed. */
    assert_int_equal(query("SELECT count(*) FROM revision_items"), first + 3);
    save(store, one, 3);
    assert_int_equal(query("SELECT count(*) FROM objects"), first);
    store_close(store);
    store = help_db_open(path);
    assert_int_equal(store_newest_revision(store, &newest, NULL), 0);
    assert_int_equal(newest.revision, 3);
    assert_int_equal(newest.created_ms, 5);
    assert_string_equal(newest.author, "me");
    assert_string_equal(newest.comment, "why");
    assert_int_equal(newest.confirm_by_ms, 0);
    assert_stored(store, 1, one);
    assert_stored(store, 2, two);
    assert_stored(store, 3, one);
    assert_int_equal(store_load_revision(store, 4, &errors, &loaded, NULL), ERR_NOT_FOUND);
    store_close(store);
    config_unref(one);
    config_unref(two);
    config_errors_finish(&errors);
}

/* Newest first, page by page, and how much each changed. */
static void test_list_revisions(void **state)
{
    (void)state;
    static const struct {
        unsigned domains;
        const char *order;
        size_t changes;
    } steps[] = {
        {3, RAT("a.test") RAT("b.test"), 16},              /* every object there is */
        {2, RAT("a.test") RAT("b.test"), 1},               /* one gone */
        {4, RAT("a.test") RAT("b.test"), 2},               /* one back, one new */
        {4, RAT("b.test") RAT("a.test"), 1},               /* an order */
        {3, RAT("a.test") RAT("b.test"), 2},               /* one gone, an order */
        {3, RAT("c.test") RAT("a.test") RAT("b.test"), 1}, /* one new, which moves the others */
    };
    struct store_revision found[10];
    struct error error;
    struct store *store = help_db_open(path);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct config *c = load(steps[i].domains, steps[i].order);
        save(store, c, i + 1);
        config_unref(c);
    }
    assert_int_equal(store_list_revisions(store, 0, 10, found, &error), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(found[i].revision, 6 - i);
        assert_int_equal(found[i].change_count, steps[5 - i].changes);
        assert_string_equal(found[i].author, "me");
        assert_string_equal(found[i].comment, "why");
    }
    assert_int_equal(store_list_revisions(store, 4, 2, found, &error), 2);
    assert_int_equal(found[0].revision, 3);
    assert_int_equal(found[1].revision, 2);
    assert_int_equal(store_list_revisions(store, 1, 2, found, &error), 0);
    assert_int_equal(store_read_revision(store, 2, found, &error), 0);
    assert_int_equal(found[0].change_count, 1);
    assert_int_equal(store_read_revision(store, 0, found, &error), ERR_NOT_FOUND);
    assert_int_equal(store_read_revision(store, 7, found, &error), ERR_NOT_FOUND);
    assert_int_equal(store_read_revision(store, UINT64_MAX, found, &error), ERR_NOT_FOUND);
    store_close(store);
}

static void test_counters(void **state)
{
    (void)state;
    uint64_t limit = 0;
    struct store *store = help_db_open(path);
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_MID, &limit, NULL), 0);
    assert_int_equal(limit, 1);
    assert_int_equal(store_reserve_counter(store, STORE_COUNTER_MID, 65537, NULL), 0);
    assert_int_equal(store_reserve_counter(store, STORE_COUNTER_DCID, 7, NULL), 0);
    assert_int_equal(store_reserve_counter(store, STORE_COUNTER_MID, 100, NULL), 0);
    store_close(store);
    store = help_db_open(path);
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_MID, &limit, NULL), 0);
    assert_int_equal(limit, 65537); /* never goes back */
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_ICID, &limit, NULL), 0);
    assert_int_equal(limit, 1);
    assert_int_equal(store_counter_limit(store, STORE_COUNTER_DCID, &limit, NULL), 0);
    assert_int_equal(limit, 7);
    store_close(store);
}

static void test_refused_databases(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct error error;
    store_close(help_db_open(path));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(query("PRAGMA user_version"), 3);
    (void)query("PRAGMA user_version = 99");
    assert_int_equal(store_open(path, &store, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "schema 99"));
    assert_non_null(strstr(error.text, "newer Postern"));
    assert_int_equal(query("PRAGMA user_version"), 99);
    (void)query("PRAGMA application_id = 42");
    assert_int_equal(store_open(path, &store, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "another program"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 1000; i++)
        (void)fputs("this is no database\n", file);
    (void)fclose(file);
    assert_int_equal(store_open(path, &store, &error), ERR_INVALID);
    assert_int_equal(store_open("/nonexistent/postern.db", &store, &error), ERR_IO);
    assert_null(store);
}

/* Hooks that write down the order in which they are called. */
struct script {
    char calls[128];
    bool check_fails, prepare_fails, is_silent;
    const struct config *old;
    unsigned reload;
};

static void note(struct script *s, const char *call)
{
    size_t len = strlen(s->calls);
    (void)snprintf(s->calls + len, sizeof(s->calls) - len, "%s ", call);
}

static bool check(void *owner, const struct config *old, const struct config *candidate,
                  struct config_errors *errors)
{
    struct script *s = owner;
    (void)candidate;
    note(s, "check");
    s->old = old;
    if (s->check_fails)
        config_errors_add(errors, "/certificates/0", "key.unavailable", "no key");
    return !s->check_fails;
}

static bool prepare(void *owner, const struct config *old, const struct config *candidate,
                    const struct config_diff *diff, struct config_errors *errors)
{
    struct script *s = owner;
    (void)old, (void)candidate;
    note(s, "prepare");
    s->reload = diff->reload;
    if (s->prepare_fails && !s->is_silent)
        config_errors_add(errors, "/listeners/0/port", "port.in_use", "taken");
    return !s->prepare_fails;
}

static void abort_prepare(void *owner, const struct config *old, const struct config *candidate)
{
    (void)old, (void)candidate;
    note(owner, "abort");
}

static void publish(void *owner, const struct config *old, const struct config *candidate)
{
    (void)old;
    assert_int_not_equal(candidate->revision, 0); /* stored before it is published */
    note(owner, "publish");
}

static void drain(void *owner, const struct config *old, const struct config *candidate)
{
    (void)old, (void)candidate;
    note(owner, "drain");
}

static struct commit_hooks hooks_of(struct script *s)
{
    return (struct commit_hooks){.check = check,
                                 .prepare = prepare,
                                 .abort = abort_prepare,
                                 .publish = publish,
                                 .drain = drain,
                                 .owner = s};
}

static void test_commit(void **state)
{
    (void)state;
    struct script s = {0};
    struct commit_hooks hooks = hooks_of(&s);
    struct commit commit;
    struct clock_fake clock;
    struct config_errors errors;
    struct store_revision newest;
    struct store *store = help_db_open(path);
    struct config *one = load(1, ""), *same = load(1, ""), *two = load(2, "");
    clock_fake_init(&clock, 1000);
    config_errors_init(&errors);
    commit_init(&commit, store, &clock.clock, &hooks);
    assert_int_equal(config_commit_start(&commit, &errors), ERR_NOT_FOUND);
    assert_int_equal(errors.count, 0);
    assert_int_equal(config_commit(&commit, one, "setup", "first", NULL, &errors), 0);
    assert_string_equal(s.calls, "check prepare publish drain ");
    assert_null(s.old);
    assert_true(s.reload & CFG_RELOAD_LISTENERS);
    assert_int_equal(one->revision, 1);
    assert_ptr_equal(commit.running, one);
    s.calls[0] = '\0';
    assert_int_equal(config_commit(&commit, same, "me", "nothing", NULL, &errors), 0);
    assert_string_equal(s.calls, "");
    assert_int_equal(same->revision, 1);
    assert_ptr_equal(commit.running, one);
    assert_int_equal(config_commit(&commit, two, "me", "more", NULL, &errors), 0);
    assert_ptr_equal(s.old, one);
    assert_int_equal(s.reload, 0);
    assert_int_equal(store_newest_revision(store, &newest, NULL), 0);
    assert_int_equal(newest.revision, 2);
    assert_int_equal(newest.created_ms, 1000);
    assert_string_equal(newest.comment, "more");
    commit_finish(&commit);
    store_close(store);
    /* The next start runs the newest one, through the same hooks, and stores nothing. */
    store = help_db_open(path);
    s.calls[0] = '\0';
    commit_init(&commit, store, &clock.clock, &hooks);
    assert_int_equal(config_commit_start(&commit, &errors), 0);
    assert_string_equal(s.calls, "check prepare publish drain ");
    assert_int_equal(commit.running->revision, 2);
    assert_int_equal(query("SELECT count(*) FROM revisions"), 2);
    assert_int_equal(errors.count, 0);
    commit_finish(&commit);
    store_close(store);
    config_unref(one);
    config_unref(same);
    config_unref(two);
    config_errors_finish(&errors);
}

/* A draft ends with the revision made of it, and only then. */
static void test_draft_ends_with_its_commit(void **state)
{
    (void)state;
    struct commit_hooks none = {0};
    struct commit commit;
    struct clock_fake clock;
    struct config_errors errors;
    struct draft draft, other, found;
    struct store_revision newest;
    struct store *store = help_db_open(path);
    struct config *one = load(1, ""), *two = load(2, "");
    clock_fake_init(&clock, 1000);
    config_errors_init(&errors);
    commit_init(&commit, store, &clock.clock, &none);
    assert_int_equal(config_commit(&commit, one, "setup", "", NULL, &errors), 0);
    assert_int_equal(draft_create(store, &clock.clock, "a", "", true, 0, &draft, NULL), 0);
    assert_int_equal(draft_create(store, &clock.clock, "b", "", true, 0, &other, NULL), 0);
    (void)query("CREATE TRIGGER t BEFORE DELETE ON drafts BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert_int_equal(config_commit(&commit, two, "a", "", draft.id, &errors), ERR_DB);
    assert_int_equal(store_newest_revision(store, &newest, NULL), 0);
    assert_int_equal(newest.revision, 1);
    assert_int_equal(draft_find_default(store, &clock.clock, "a", &found, NULL), 0);
    (void)query("DROP TRIGGER t");
    /* A comment is cut behind a character: the next one would end one byte too late. */
    char comment[600] = "";
    for (size_t i = 0; i + 2 < sizeof(comment); i += 2)
        memcpy(comment + i, "\xc3\xa9", 2);
    assert_int_equal(config_commit(&commit, two, "a", comment, draft.id, &errors), 0);
    assert_int_equal(draft_find_default(store, &clock.clock, "a", &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(draft_find_default(store, &clock.clock, "b", &found, NULL), 0);
    assert_int_equal(store_newest_revision(store, &newest, NULL), 0);
    assert_int_equal(strlen(newest.comment), 510);
    assert_memory_equal(newest.comment + 508, "\xc3\xa9", 3);
    commit_finish(&commit);
    store_close(store);
    config_unref(one);
    config_unref(two);
    config_errors_finish(&errors);
}

static void test_refused_commit_changes_nothing(void **state)
{
    (void)state;
    struct script s = {.check_fails = true};
    struct commit_hooks hooks = hooks_of(&s);
    struct commit commit;
    struct clock_fake clock;
    struct config_errors errors;
    struct store *store = help_db_open(path);
    struct config *one = load(1, ""), *two = load(2, "");
    clock_fake_init(&clock, 1000);
    config_errors_init(&errors);
    commit_init(&commit, store, &clock.clock, &hooks);
    assert_int_equal(config_commit(&commit, one, "a", "", NULL, &errors), ERR_INVALID);
    assert_string_equal(s.calls, "check ");
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].code, "key.unavailable");
    s = (struct script){.prepare_fails = true, .is_silent = true};
    assert_int_equal(config_commit(&commit, one, "a", "", NULL, &errors), ERR_INVALID);
    assert_string_equal(s.calls, "check prepare ");
    assert_string_equal(errors.items[1].code, "commit.refused");
    assert_null(commit.running);
    assert_int_equal(query("SELECT count(*) FROM revisions"), 0);
    s = (struct script){0};
    assert_int_equal(config_commit(&commit, one, "a", "", NULL, &errors), 0);
    /* The database refuses in the middle of the transaction: abort, and no trace of it. */
    (void)query("CREATE TRIGGER t BEFORE INSERT ON revision_items BEGIN"
                " SELECT RAISE(ABORT, 'disk on fire'); END");
    s = (struct script){0};
    assert_int_equal(config_commit(&commit, two, "a", "", NULL, &errors), ERR_DB);
    assert_string_equal(s.calls, "check prepare abort ");
    assert_non_null(strstr(errors.items[2].text, "disk on fire"));
    assert_ptr_equal(commit.running, one);
    assert_int_equal(two->revision, 0);
    assert_int_equal(query("SELECT count(*) FROM revisions"), 1);
    (void)query("DROP TRIGGER t");
    assert_int_equal(config_commit(&commit, two, "a", "", NULL, &errors), 0);
    assert_int_equal(two->revision, 2);
    commit_finish(&commit);
    store_close(store);
    config_unref(one);
    config_unref(two);
    config_errors_finish(&errors);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256), IN_DIR(test_revisions),
        IN_DIR(test_counters),         IN_DIR(test_refused_databases),
        IN_DIR(test_list_revisions),   IN_DIR(test_draft_ends_with_its_commit),
        IN_DIR(test_commit),           IN_DIR(test_refused_commit_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
