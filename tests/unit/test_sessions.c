/* Sessions: that only the secret opens one, when each kind of end comes to the millisecond, how
 * often is written, and what ends with a user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/sessions.h"
#include "people_help.h"

enum { MINUTE_MS = 60000 };

static const struct ip address = {.family = 4, .bytes = {192, 0, 2, 7}};

struct made {
    char secret[SESSION_SECRET_SIZE];
    struct session session;
};

static struct made create(const char *user)
{
    struct made made;
    assert_result(sessions_create(people.store, &people.clock.clock, slice_str(user), &address,
                                  SLICE("Mozilla/5.0"), made.secret, &made.session, &people.error),
                  0);
    return made;
}

static int find_as(struct slice secret, struct session *ret_session)
{
    return sessions_find(people.store, &people.clock.clock, secret, ret_session, &people.error);
}

static int find(const struct made *made)
{
    struct session session;
    return find_as(slice_str(made->secret), &session);
}

static void advance(uint64_t ms)
{
    clock_fake_advance(&people.clock, ms);
}

static void test_create_and_find(void **state)
{
    (void)state;
    struct session session;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made one = create("Kim"), two = create("kim");
    assert_int_equal(strlen(one.secret), SESSION_SECRET_SIZE - 1);
    assert_int_equal(strlen(one.session.id), SESSION_ID_SIZE - 1);
    assert_string_not_equal(one.secret, two.secret);
    assert_string_not_equal(one.session.id, two.session.id);
    people_reopen();
    assert_result(find_as(slice_str(one.secret), &session), 0);
    assert_string_equal(session.id, one.session.id);
    assert_string_equal(session.user, "kim");
    assert_int_equal(session.role, ROLE_ADMINISTRATOR);
    assert_int_equal(session.created_ms, 1700000000000);
    assert_int_equal(session.seen_ms, 1700000000000);
    assert_int_equal(session.proved_ms, 1700000000000);
    assert_int_equal(session.ends_ms, 1700000000000 + SESSION_IDLE_MS);
    assert_true(ip_eq(&session.address, &address));
    assert_string_equal(session.agent, "Mozilla/5.0");
    assert_memory_equal(&session, &one.session, offsetof(struct session, agent));
    /* Neither in the clear nor by the public id. */
    assert_int_equal(people_sql("SELECT count(*) FROM sessions WHERE typeof(secret) = 'blob'"
                                " AND length(secret) = 32"),
                     2);
    assert_result(find_as(slice_str(one.session.id), &session), ERR_NOT_FOUND);
}

static void test_wrong_secrets(void **state)
{
    (void)state;
    struct session session;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim");
    char text[2 * SESSION_SECRET_SIZE];
    size_t len = strlen(made.secret);
    (void)snprintf(text, sizeof(text), "%s%s", made.secret, made.secret);
    for (size_t i = 0; i <= 2 * len; i++) {
        int wanted = i == len ? 0 : ERR_NOT_FOUND;
        assert_result(find_as(slice_of(text, i), &session), wanted);
    }
    text[0] = text[0] == 'a' ? 'b' : 'a';
    assert_result(find_as(slice_of(text, len), &session), ERR_NOT_FOUND);
    assert_result(find_as(SLICE("\xff\0'\"%_\n 45678901234567890"), &session), ERR_NOT_FOUND);
    (void)snprintf(text, sizeof(text), "%s", made.secret);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
    assert_result(find_as(slice_of(text, len), &session), ERR_NOT_FOUND);
}

static void test_who_may_have_one(void **state)
{
    (void)state;
    struct made made;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    assert_result(
        users_set_disabled(people.store, SLICE("ann"), true, &people.errors, &people.error), 0);
    static const char *const names[] = {"ann", "bob", "", "b b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_result(sessions_create(people.store, &people.clock.clock, slice_str(names[i]),
                                      &address, SLICE(""), made.secret, &made.session,
                                      &people.error),
                      ERR_NOT_FOUND);
    assert_int_equal(people_sql("SELECT count(*) FROM sessions"), 0);
}

static void test_idle_end(void **state)
{
    (void)state;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim");
    advance(SESSION_IDLE_MS - 1);
    assert_result(find(&made), 0);
    advance(SESSION_IDLE_MS - 1); /* it was seen */
    assert_result(find(&made), 0);
    advance(SESSION_IDLE_MS);
    assert_result(find(&made), ERR_NOT_FOUND);
}

static void test_absolute_end(void **state)
{
    (void)state;
    struct session session;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim");
    for (unsigned i = 0; i < 12 * 60 / 20 - 1; i++) {
        advance(20ULL * MINUTE_MS);
        assert_result(find(&made), 0);
    }
    advance(20ULL * MINUTE_MS - 1);
    assert_result(find_as(slice_str(made.secret), &session), 0);
    assert_int_equal(session.ends_ms, 1700000000000 + SESSION_ABSOLUTE_MS);
    advance(1);
    assert_result(find(&made), ERR_NOT_FOUND);
}

/* An age that cannot be known is too old. */
static void test_clock_set_back(void **state)
{
    (void)state;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim");
    people.clock.now_wall_ms -= SESSION_CLOCK_SLACK_MS;
    assert_result(find(&made), 0);
    assert_true(session_is_proved(&made.session, &people.clock.clock));
    people.clock.now_wall_ms -= 1;
    assert_result(find(&made), ERR_NOT_FOUND);
    assert_false(session_is_proved(&made.session, &people.clock.clock));
    people.clock.now_wall_ms = 1700000000000;
    advance(10ULL * MINUTE_MS);
    assert_result(find(&made), 0); /* seen, later than it was made */
    people.clock.now_wall_ms -= SESSION_CLOCK_SLACK_MS + 1;
    assert_result(find(&made), ERR_NOT_FOUND);
}

/* One write a minute, none a request. */
static void test_writes(void **state)
{
    (void)state;
    const char *seen = "SELECT seen_ms - 1700000000000 FROM sessions";
    struct session session;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim");
    advance(SESSION_TOUCH_MS - 1);
    assert_result(find_as(slice_str(made.secret), &session), 0);
    assert_int_equal(people_sql(seen), 0);
    assert_int_equal(session.seen_ms, 1700000000000);
    advance(1);
    assert_result(find_as(slice_str(made.secret), &session), 0);
    assert_int_equal(people_sql(seen), SESSION_TOUCH_MS);
    assert_int_equal(session.seen_ms, 1700000000000 + SESSION_TOUCH_MS);
    assert_int_equal(session.ends_ms, 1700000000000 + SESSION_TOUCH_MS + SESSION_IDLE_MS);
    /* A database that refuses the write lets the request through. */
    (void)people_sql("CREATE TRIGGER t BEFORE UPDATE ON sessions BEGIN"
                     " SELECT RAISE(ABORT, 'disk on fire'); END");
    advance(SESSION_TOUCH_MS);
    assert_result(find(&made), 0);
    assert_int_equal(people_sql(seen), SESSION_TOUCH_MS);
}

static void test_csrf(void **state)
{
    (void)state;
    char csrf[SESSION_CSRF_SIZE], again[SESSION_CSRF_SIZE];
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made one = create("kim"), two = create("kim");
    struct slice secret = slice_str(one.secret);
    session_csrf(secret, csrf);
    session_csrf(secret, again);
    assert_string_equal(csrf, again);
    assert_int_equal(strlen(csrf), SESSION_CSRF_SIZE - 1);
    assert_string_not_equal(csrf, one.secret);
    assert_true(session_csrf_matches(secret, slice_str(csrf)));
    assert_false(session_csrf_matches(slice_str(two.secret), slice_str(csrf)));
    assert_false(session_csrf_matches(secret, secret));
    assert_false(session_csrf_matches(secret, SLICE("")));
    assert_false(session_csrf_matches(secret, slice_of(csrf, SESSION_CSRF_SIZE - 2)));
    assert_false(session_csrf_matches(secret, slice_of(csrf, SESSION_CSRF_SIZE)));
    for (size_t i = 0; i < SESSION_CSRF_SIZE - 1; i++) {
        csrf[i] ^= 1;
        assert_false(session_csrf_matches(secret, slice_str(csrf)));
        csrf[i] ^= 1;
    }
}

static void test_proved(void **state)
{
    (void)state;
    struct session session;
    const struct clock *clock = &people.clock.clock;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim"), other = create("kim");
    advance(SESSION_PROVED_MS - 1);
    assert_true(session_is_proved(&made.session, clock));
    advance(1);
    assert_false(session_is_proved(&made.session, clock));
    assert_result(sessions_prove(people.store, clock, slice_str(made.session.id), &people.error),
                  0);
    assert_result(find_as(slice_str(made.secret), &session), 0);
    assert_true(session_is_proved(&session, clock));
    assert_result(find_as(slice_str(other.secret), &session), 0);
    assert_false(session_is_proved(&session, clock));
    assert_result(sessions_prove(people.store, clock, SLICE("nothing"), &people.error),
                  ERR_NOT_FOUND);
}

static size_t list(const char *user, struct session **ret_sessions)
{
    size_t count = SIZE_MAX;
    assert_result(sessions_list(people.store, &people.clock.clock, slice_str(user), &people.arena,
                                ret_sessions, &count, &people.error),
                  0);
    return count;
}

static void test_list(void **state)
{
    (void)state;
    struct session *sessions;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    assert_int_equal(list("", &sessions), 0);
    struct made old = create("kim");
    advance(20ULL * MINUTE_MS);
    struct made kim = create("kim"), ann = create("ann");
    assert_result(find(&old), 0);
    advance(2ULL * MINUTE_MS);
    assert_result(find(&ann), 0);
    assert_int_equal(list("", &sessions), 3);
    assert_string_equal(sessions[0].id, ann.session.id);
    assert_string_equal(sessions[0].user, "ann");
    assert_int_equal(sessions[0].role, ROLE_OPERATOR);
    assert_string_equal(sessions[1].id, kim.session.id);
    assert_string_equal(sessions[2].id, old.session.id);
    assert_int_equal(list("KIM", &sessions), 2);
    assert_int_equal(list("bob", &sessions), 0);
    assert_int_equal(list("b b", &sessions), 0);
    advance(SESSION_IDLE_MS - 2ULL * MINUTE_MS);
    assert_int_equal(list("", &sessions), 1);
    assert_string_equal(sessions[0].id, ann.session.id);
}

/* Looking does not keep a session alive. */
static void test_peek(void **state)
{
    (void)state;
    struct session session;
    people_add("ann", ROLE_OPERATOR);
    struct made a = create("ann");
    struct slice id = slice_str(a.session.id);

    advance(SESSION_IDLE_MS - 1);
    assert_result(sessions_peek(people.store, &people.clock.clock, id, &session, &people.error), 0);
    assert_string_equal(session.user, "ann");
    assert_int_equal(session.role, ROLE_OPERATOR);
    advance(1);
    assert_result(sessions_peek(people.store, &people.clock.clock, id, &session, &people.error),
                  ERR_NOT_FOUND);
    a = create("ann");
    assert_result(sessions_peek(people.store, &people.clock.clock, slice_str(a.secret), &session,
                                &people.error),
                  ERR_NOT_FOUND); /* it is no key */
}

static void test_revoke(void **state)
{
    (void)state;
    size_t count = 0;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    struct made a = create("ann"), b = create("ann"), c = create("ann"), k = create("kim");
    /* Not somebody else's. */
    assert_result(
        sessions_revoke(people.store, SLICE("kim"), slice_str(a.session.id), &people.error),
        ERR_NOT_FOUND);
    assert_result(find(&a), 0);
    assert_result(
        sessions_revoke(people.store, SLICE("Ann"), slice_str(a.session.id), &people.error), 0);
    assert_result(find(&a), ERR_NOT_FOUND);
    assert_result(
        sessions_revoke(people.store, SLICE("ann"), slice_str(a.session.id), &people.error),
        ERR_NOT_FOUND);
    assert_result(find(&b), 0);
    a = create("ann");
    assert_result(sessions_revoke_all(people.store, SLICE("Ann"), slice_str(b.session.id), &count,
                                      &people.error),
                  0);
    assert_int_equal(count, 2);
    assert_result(find(&a), ERR_NOT_FOUND);
    assert_result(find(&b), 0);
    assert_result(find(&c), ERR_NOT_FOUND);
    assert_result(find(&k), 0);
    assert_result(sessions_revoke_all(people.store, SLICE("ann"), SLICE(""), &count, &people.error),
                  0);
    assert_int_equal(count, 1);
    assert_result(find(&b), ERR_NOT_FOUND);
    assert_result(find(&k), 0);
    assert_result(sessions_revoke_all(people.store, SLICE("b b"), SLICE(""), &count, &people.error),
                  0);
    assert_int_equal(count, 0);
}

static void test_ends_with_the_user(void **state)
{
    (void)state;
    struct session session;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    struct made a = create("ann"), k = create("kim");
    assert_result(
        users_set_role(people.store, SLICE("ann"), ROLE_READ_ONLY, &people.errors, &people.error),
        0);
    assert_result(find_as(slice_str(a.secret), &session), 0);
    assert_int_equal(session.role, ROLE_READ_ONLY); /* at once */
    assert_result(
        users_set_disabled(people.store, SLICE("ann"), true, &people.errors, &people.error), 0);
    assert_result(find(&a), ERR_NOT_FOUND);
    assert_result(
        users_set_disabled(people.store, SLICE("ann"), false, &people.errors, &people.error), 0);
    assert_result(find(&a), ERR_NOT_FOUND); /* it does not come back */
    a = create("ann");
    /* Whatever way the user was disabled. */
    (void)people_sql("UPDATE users SET is_disabled = 1 WHERE name = 'ann'");
    assert_result(find(&a), ERR_NOT_FOUND);
    (void)people_sql("UPDATE users SET is_disabled = 0 WHERE name = 'ann'");
    assert_result(find(&a), 0);
    assert_result(users_delete(people.store, SLICE("ann"), &people.errors, &people.error), 0);
    assert_result(find(&a), ERR_NOT_FOUND);
    assert_result(find(&k), 0);
}

static void test_sweep(void **state)
{
    (void)state;
    size_t count = 0;
    const struct clock *clock = &people.clock.clock;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made old = create("kim"), used = create("kim");
    advance(SESSION_IDLE_MS - 1);
    assert_result(find(&used), 0);
    assert_result(sessions_sweep(people.store, clock, &count, &people.error), 0);
    assert_int_equal(count, 0);
    advance(1);
    assert_result(sessions_sweep(people.store, clock, &count, &people.error), 0);
    assert_int_equal(count, 1);
    assert_int_equal(people_sql("SELECT count(*) FROM sessions"), 1);
    assert_result(find(&old), ERR_NOT_FOUND);
    assert_result(find(&used), 0);
}

static void test_too_many(void **state)
{
    (void)state;
    struct session *sessions;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    struct made first = create("kim"), other = create("ann");
    for (unsigned i = 1; i < SESSIONS_PER_USER_MAX; i++) {
        advance(1000);
        (void)create("kim");
    }
    advance(SESSION_TOUCH_MS);
    assert_int_equal(list("kim", &sessions), SESSIONS_PER_USER_MAX);
    assert_result(find(&first), 0); /* the oldest, but just seen */
    struct made last = create("kim");
    assert_int_equal(list("kim", &sessions), SESSIONS_PER_USER_MAX);
    assert_result(find(&first), 0);
    assert_result(find(&last), 0);
    assert_result(find(&other), 0);
}

/* What a client says of itself becomes printable and short. */
static void test_agent(void **state)
{
    (void)state;
    struct session session;
    char secret[SESSION_SECRET_SIZE], wild[SESSION_AGENT_MAX + 50];
    const struct ip none = {.family = 0};
    people_add("kim", ROLE_ADMINISTRATOR);
    memset(wild, 'x', sizeof(wild));
    memcpy(wild, "a\r\n\x1b\xff\0~\x7f", 8);
    assert_result(sessions_create(people.store, &people.clock.clock, SLICE("kim"), &none,
                                  slice_of(wild, sizeof(wild)), secret, &session, &people.error),
                  0);
    assert_result(find_as(slice_str(secret), &session), 0);
    assert_int_equal(strlen(session.agent), SESSION_AGENT_MAX);
    assert_memory_equal(session.agent, "a?????~?xx", 10);
    assert_int_equal(session.address.family, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_create_and_find),
        WITH_PEOPLE(test_wrong_secrets),
        WITH_PEOPLE(test_who_may_have_one),
        WITH_PEOPLE(test_idle_end),
        WITH_PEOPLE(test_absolute_end),
        WITH_PEOPLE(test_clock_set_back),
        WITH_PEOPLE(test_writes),
        WITH_PEOPLE(test_csrf),
        WITH_PEOPLE(test_proved),
        WITH_PEOPLE(test_list),
        WITH_PEOPLE(test_peek),
        WITH_PEOPLE(test_revoke),
        WITH_PEOPLE(test_ends_with_the_user),
        WITH_PEOPLE(test_sweep),
        WITH_PEOPLE(test_too_many),
        WITH_PEOPLE(test_agent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
