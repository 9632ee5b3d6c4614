/* API tokens: that only the whole text opens one, what its rights are, when it ends, how often is
 * written, and every refusal with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/base32.h"
#include "config/tokens.h"
#include "people_help.h"

#define NOW_MS     1700000000000
#define BIT(scope) (1U << (scope))

struct made {
    char text[TOKEN_TEXT_LEN + 1];
    struct token token;
};

static int try_create(const char *user, struct slice name, unsigned scopes, int64_t expires_ms,
                      struct made *made)
{
    return tokens_create(people.store, &people.clock.clock, slice_str(user), name, scopes,
                         expires_ms, made->text, &made->token, &people.errors, &people.error);
}

static struct made create(const char *user, const char *name, unsigned scopes)
{
    struct made made;
    assert_result(try_create(user, slice_str(name), scopes, 0, &made), 0);
    return made;
}

static int find(const char *text, struct token *ret_token)
{
    return tokens_find(people.store, &people.clock.clock, slice_str(text), ret_token,
                       &people.error);
}

static void assert_same(const struct token *a, const struct token *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->user, b->user);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->scopes, b->scopes);
    assert_int_equal(a->rights, b->rights);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_int_equal(a->used_ms, b->used_ms);
    assert_int_equal(a->is_resting, b->is_resting);
}

static void test_create_and_find(void **state)
{
    (void)state;
    struct token token;
    unsigned scopes = BIT(SCOPE_CONFIG_READ) | BIT(SCOPE_CERTIFICATES_WRITE);
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("Kim", "certbot on mx1", scopes);
    people_reopen();
    assert_result(
        tokens_get(people.store, SLICE("KIM"), SLICE("certbot on mx1"), &token, &people.error), 0);
    assert_same(&token, &made.token);
    assert_int_equal(token.used_ms, 0);
    assert_result(find(made.text, &token), 0);
    assert_string_equal(token.id, made.token.id);
    assert_memory_equal(token.id, made.text + 4, TOKEN_ID_LEN);
    assert_string_equal(token.user, "kim");
    assert_string_equal(token.name, "certbot on mx1");
    assert_int_equal(token.scopes, scopes);
    assert_int_equal(token.rights, scopes);
    assert_int_equal(token.created_ms, NOW_MS);
    assert_int_equal(token.expires_ms, NOW_MS + TOKEN_EXPIRES_DEFAULT_MS);
    assert_int_equal(token.used_ms, NOW_MS);
    assert_false(token.is_resting);
    /* Its secret is nowhere in the file. */
    char sql[200];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM tokens WHERE length(secret) = 32 AND"
                   " instr(id || user || name || scopes || secret, '%.32s') = 0",
                   made.text + 13);
    assert_int_equal(people_sql(sql), 1);
}

static void test_wrong_texts(void **state)
{
    (void)state;
    struct token token;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made one = create("kim", "one", BIT(SCOPE_LOGS_READ));
    struct made two = create("kim", "two", BIT(SCOPE_LOGS_READ));
    /* The id of one with the secret of the other, in the right form. */
    uint8_t id[TOKEN_ID_BYTES], secret[TOKEN_SECRET_BYTES];
    char text[TOKEN_TEXT_LEN + 1];
    assert_true(base32_decode(slice_of(one.text + 4, TOKEN_ID_LEN), id, sizeof(id)));
    assert_true(base32_decode(slice_of(two.text + 13, 32), secret, sizeof(secret)));
    token_text_make(id, secret, text);
    assert_result(find(text, &token), ERR_NOT_FOUND);
    id[0] ^= 1;
    token_text_make(id, secret, text);
    assert_result(find(text, &token), ERR_NOT_FOUND);
    assert_result(find("", &token), ERR_NOT_FOUND);
    assert_result(find(one.token.id, &token), ERR_NOT_FOUND);
    one.text[20] = one.text[20] == 'a' ? 'b' : 'a';
    assert_result(find(one.text, &token), ERR_NOT_FOUND);
    assert_result(find(two.text, &token), 0);
}

/* Scopes AND what the owner's role has now. */
static void test_rights(void **state)
{
    (void)state;
    struct token token;
    unsigned all = BIT(SCOPE_COUNT) - 1;
    people_add("root", ROLE_ADMINISTRATOR);
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim", "all", all);
    assert_int_equal(made.token.rights, all);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        assert_result(users_set_role(people.store, SLICE("kim"), (enum role)role, &people.errors,
                                     &people.error),
                      0);
        assert_result(find(made.text, &token), 0);
        assert_int_equal(token.scopes, all);
        assert_int_equal(token.rights, role_scopes((enum role)role));
    }
    assert_int_not_equal(token.rights, all);
    assert_result(users_set_role(people.store, SLICE("kim"), ROLE_ADMINISTRATOR, &people.errors,
                                 &people.error),
                  0);
    made = create("kim", "few", BIT(SCOPE_QUEUE_WRITE) | BIT(SCOPE_QUEUE_READ));
    assert_result(
        users_set_role(people.store, SLICE("kim"), ROLE_READ_ONLY, &people.errors, &people.error),
        0);
    assert_result(find(made.text, &token), 0);
    assert_int_equal(token.rights, BIT(SCOPE_QUEUE_READ));
    /* A word of a later version gives no right. */
    (void)people_sql("UPDATE tokens SET scopes = 'x:y logs:read ' WHERE name = 'few'");
    assert_result(find(made.text, &token), 0);
    assert_int_equal(token.scopes, BIT(SCOPE_LOGS_READ));
}

/* What the issue says of each role. */
static void test_roles(void **state)
{
    (void)state;
    unsigned looks = BIT(SCOPE_CONFIG_READ) | BIT(SCOPE_CERTIFICATES_READ) | BIT(SCOPE_QUEUE_READ) |
                     BIT(SCOPE_LOGS_READ) | BIT(SCOPE_METRICS_READ);
    assert_int_equal(role_scopes(ROLE_ADMINISTRATOR), BIT(SCOPE_COUNT) - 1);
    assert_int_equal(role_scopes(ROLE_OPERATOR), looks | BIT(SCOPE_QUEUE_WRITE));
    assert_int_equal(role_scopes(ROLE_READ_ONLY), looks);
    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        assert_int_equal(scope_find(slice_str(scope_word((enum scope)i))), i);
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        assert_int_equal(role_find(slice_str(role_word((enum role)i))), i);
    assert_int_equal(scope_find(SLICE("config")), SCOPE_COUNT);
    assert_int_equal(role_find(SLICE("Administrator")), ROLE_COUNT);
}

static void test_end(void **state)
{
    (void)state;
    struct made made;
    struct token token;
    people_add("kim", ROLE_ADMINISTRATOR);
    assert_result(try_create("kim", SLICE("short"), BIT(SCOPE_LOGS_READ), NOW_MS + 1000, &made), 0);
    clock_fake_advance(&people.clock, 999);
    assert_result(find(made.text, &token), 0);
    clock_fake_advance(&people.clock, 1);
    assert_result(find(made.text, &token), ERR_TIMEOUT);
    assert_non_null(strstr(people.error.text, "short"));
    made.text[TOKEN_TEXT_LEN - 1] ^= 1;
    assert_result(find(made.text, &token), ERR_NOT_FOUND); /* only its holder hears of the end */
    assert_result(tokens_get(people.store, SLICE("kim"), SLICE("short"), &token, &people.error), 0);
    made = create("kim", "year", BIT(SCOPE_LOGS_READ));
    clock_fake_advance(&people.clock, TOKEN_EXPIRES_DEFAULT_MS - 1);
    assert_result(find(made.text, &token), 0);
    clock_fake_advance(&people.clock, 1);
    assert_result(find(made.text, &token), ERR_TIMEOUT);
}

static void test_owner(void **state)
{
    (void)state;
    struct token token;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    struct made made = create("ann", "t", BIT(SCOPE_LOGS_READ));
    assert_result(
        users_set_disabled(people.store, SLICE("ann"), true, &people.errors, &people.error), 0);
    assert_result(find(made.text, &token), ERR_NOT_FOUND);
    assert_result(tokens_get(people.store, SLICE("ann"), SLICE("t"), &token, &people.error), 0);
    assert_true(token.is_resting);
    assert_result(
        users_set_disabled(people.store, SLICE("ann"), false, &people.errors, &people.error), 0);
    assert_result(find(made.text, &token), 0);
    assert_result(users_delete(people.store, SLICE("ann"), &people.errors, &people.error), 0);
    assert_result(find(made.text, &token), ERR_NOT_FOUND);
    people_add("ann", ROLE_OPERATOR);
    assert_result(find(made.text, &token), ERR_NOT_FOUND);
}

static void test_writes(void **state)
{
    (void)state;
    const char *used = "SELECT used_ms FROM tokens";
    struct token token;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim", "t", BIT(SCOPE_LOGS_READ));
    assert_result(find(made.text, &token), 0);
    assert_int_equal(people_sql(used), NOW_MS);
    clock_fake_advance(&people.clock, TOKEN_TOUCH_MS - 1);
    assert_result(find(made.text, &token), 0);
    assert_int_equal(people_sql(used), NOW_MS);
    assert_int_equal(token.used_ms, NOW_MS);
    clock_fake_advance(&people.clock, 1);
    assert_result(find(made.text, &token), 0);
    assert_int_equal(people_sql(used), NOW_MS + TOKEN_TOUCH_MS);
    assert_int_equal(token.used_ms, NOW_MS + TOKEN_TOUCH_MS);
    (void)people_sql("CREATE TRIGGER t BEFORE UPDATE ON tokens BEGIN"
                     " SELECT RAISE(ABORT, 'disk on fire'); END");
    clock_fake_advance(&people.clock, TOKEN_TOUCH_MS);
    assert_result(find(made.text, &token), 0);
    assert_int_equal(token.used_ms, NOW_MS + TOKEN_TOUCH_MS);
}

/* Looking is no use of it, and is told of every end. */
static void test_peek(void **state)
{
    (void)state;
    struct token token;
    people_add("kim", ROLE_ADMINISTRATOR);
    struct made made = create("kim", "t", BIT(SCOPE_LOGS_READ));
    struct slice id = slice_str(made.token.id);

    assert_result(tokens_peek(people.store, &people.clock.clock, id, &token, &people.error), 0);
    assert_int_equal(token.rights, BIT(SCOPE_LOGS_READ));
    assert_int_equal(people_sql("SELECT used_ms FROM tokens"), 0);
    clock_fake_advance(&people.clock, TOKEN_EXPIRES_DEFAULT_MS);
    assert_result(tokens_peek(people.store, &people.clock.clock, id, &token, &people.error),
                  ERR_TIMEOUT);
    assert_result(tokens_revoke(people.store, SLICE("kim"), SLICE("t"), &people.error), 0);
    assert_result(tokens_peek(people.store, &people.clock.clock, id, &token, &people.error),
                  ERR_NOT_FOUND);
}

static void test_create_refused(void **state)
{
    (void)state;
    struct made made;
    char longest[4 * 64 + 1], wild[300];
    unsigned logs = BIT(SCOPE_LOGS_READ);
    for (size_t i = 0; i < 64; i++)
        memcpy(longest + 4 * i, "\xf0\x9f\x93\xa7", 4);
    memset(wild, 0x80, sizeof(wild));
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    (void)create("kim", "here", logs);
    (void)create("ann", "here", logs); /* unique a user */
    assert_result(try_create("kim", slice_of(longest, 4 * 63L), logs, 0, &made), 0);
    assert_int_equal(strlen(made.token.name), 252);
    const struct {
        const char *user;
        struct slice name;
        unsigned scopes;
        int64_t expires_ms;
        int result;
        const char *pointer, *code;
    } cases[] = {
        {"bob", SLICE("t"), logs, 0, ERR_NOT_FOUND, "", "ref.missing"},
        {"b b", SLICE("t"), logs, 0, ERR_NOT_FOUND, "", "ref.missing"},
        {"Kim", SLICE("here"), logs, 0, ERR_EXISTS, "/name", "key.duplicate"},
        {"kim", SLICE(""), logs, 0, ERR_INVALID, "/name", "value.length"},
        {"kim", {longest, 4 * 64}, logs, 0, ERR_INVALID, "/name", "value.length"},
        {"kim", {wild, sizeof(wild)}, logs, 0, ERR_INVALID, "/name", "value.length"},
        {"kim", SLICE("a\nb"), logs, 0, ERR_INVALID, "/name", "value.pattern"},
        {"kim", SLICE("a\0b"), logs, 0, ERR_INVALID, "/name", "value.pattern"},
        {"kim", SLICE(" a"), logs, 0, ERR_INVALID, "/name", "value.pattern"},
        {"kim", SLICE("t"), 0, 0, ERR_INVALID, "/scopes", "value.length"},
        {"ann", SLICE("t"), BIT(SCOPE_CONFIG_COMMIT) | logs, 0, ERR_INVALID, "/scopes",
         "rule.not_permitted"},
        {"kim", SLICE("t"), logs, NOW_MS, ERR_INVALID, "/expires", "value.range"},
        {"kim", SLICE("t"), logs, -1, ERR_INVALID, "/expires", "value.range"},
        {"kim", SLICE("t"), logs, NOW_MS + TOKEN_EXPIRES_MAX_MS + 1, ERR_INVALID, "/expires",
         "value.range"},
        {"kim", SLICE("t"), logs, INT64_MAX, ERR_INVALID, "/expires", "value.range"},
    };
    int64_t before = people_sql("SELECT count(*) FROM tokens");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_result(
            try_create(cases[i].user, cases[i].name, cases[i].scopes, cases[i].expires_ms, &made),
            cases[i].result);
        assert_mistake(cases[i].pointer, cases[i].code);
    }
    assert_int_equal(people_sql("SELECT count(*) FROM tokens"), before);
    assert_result(try_create("kim", SLICE("t"), logs, NOW_MS + TOKEN_EXPIRES_MAX_MS, &made), 0);
    /* All that is wrong at once. */
    assert_result(try_create("kim", SLICE(""), logs, 1, &made), ERR_INVALID);
    assert_int_equal(people.errors.count, 2);
}

static void test_too_many(void **state)
{
    (void)state;
    struct made made;
    char name[16];
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_ADMINISTRATOR);
    for (unsigned i = 0; i < TOKENS_PER_USER_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        (void)create("kim", name, BIT(SCOPE_LOGS_READ));
    }
    assert_result(try_create("kim", SLICE("over"), BIT(SCOPE_LOGS_READ), 0, &made), ERR_INVALID);
    assert_mistake("", "rule.too_many");
    (void)create("ann", "0", BIT(SCOPE_LOGS_READ));
}

static size_t list(const char *user, struct token **ret_tokens)
{
    size_t count = SIZE_MAX;
    assert_result(tokens_list(people.store, slice_str(user), &people.arena, ret_tokens, &count,
                              &people.error),
                  0);
    return count;
}

static void test_list_and_revoke(void **state)
{
    (void)state;
    struct token *tokens, token;
    people_add("kim", ROLE_ADMINISTRATOR);
    people_add("ann", ROLE_OPERATOR);
    assert_int_equal(list("", &tokens), 0);
    struct made b = create("kim", "b", BIT(SCOPE_LOGS_READ));
    clock_fake_advance(&people.clock, 1);
    struct made a = create("kim", "a", BIT(SCOPE_CONFIG_READ));
    struct made c = create("ann", "c", BIT(SCOPE_QUEUE_READ));
    assert_int_equal(list("", &tokens), 3);
    assert_same(&tokens[0], &c.token);
    assert_same(&tokens[1], &a.token);
    assert_same(&tokens[2], &b.token);
    assert_int_equal(list("Kim", &tokens), 2);
    assert_same(&tokens[0], &a.token);
    assert_int_equal(list("bob", &tokens), 0);
    assert_int_equal(list("b b", &tokens), 0);
    assert_result(tokens_revoke(people.store, SLICE("ann"), SLICE("a"), &people.error),
                  ERR_NOT_FOUND);
    assert_result(tokens_revoke(people.store, SLICE("b b"), SLICE("a"), &people.error),
                  ERR_NOT_FOUND);
    assert_result(find(a.text, &token), 0);
    assert_result(tokens_revoke(people.store, SLICE("KIM"), SLICE("a"), &people.error), 0);
    assert_result(find(a.text, &token), ERR_NOT_FOUND);
    assert_result(find(b.text, &token), 0);
    assert_result(tokens_revoke(people.store, SLICE("kim"), SLICE("a"), &people.error),
                  ERR_NOT_FOUND);
    assert_result(tokens_get(people.store, SLICE("kim"), SLICE("a"), &token, &people.error),
                  ERR_NOT_FOUND);
    struct made again = create("kim", "a", BIT(SCOPE_CONFIG_READ));
    assert_result(find(a.text, &token), ERR_NOT_FOUND);
    assert_result(find(again.text, &token), 0);
}

static void test_read_scopes(void **state)
{
    (void)state;
    unsigned scopes = 42;
    const struct slice good[] = {SLICE("users:write"), SLICE("config:read")};
    const struct slice bad[] = {SLICE("config:read"), SLICE("config:reed"), SLICE("config:read"),
                                SLICE(""), SLICE("Config:Read\n")};
    assert_true(token_scopes_read(good, 2, "/scopes", &people.errors, &scopes));
    assert_int_equal(scopes, BIT(SCOPE_USERS_WRITE) | BIT(SCOPE_CONFIG_READ));
    assert_int_equal(people.errors.count, 0);
    assert_false(token_scopes_read(good, 0, "/scopes", &people.errors, &scopes));
    assert_mistake("/scopes", "value.length");
    assert_false(token_scopes_read(bad, 5, "/scopes", &people.errors, &scopes));
    static const struct {
        const char *pointer, *code;
    } wanted[] = {{"/scopes/1", "value.enum"},
                  {"/scopes/2", "key.duplicate"},
                  {"/scopes/3", "value.enum"},
                  {"/scopes/4", "value.enum"}};
    assert_int_equal(people.errors.count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_string_equal(people.errors.items[i].pointer, wanted[i].pointer);
        assert_string_equal(people.errors.items[i].code, wanted[i].code);
    }
    assert_non_null(strstr(people.errors.items[0].text, "did you mean \"config:read\""));
    assert_int_equal(scopes, BIT(SCOPE_USERS_WRITE) | BIT(SCOPE_CONFIG_READ));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_create_and_find),
        WITH_PEOPLE(test_wrong_texts),
        WITH_PEOPLE(test_rights),
        cmocka_unit_test(test_roles),
        WITH_PEOPLE(test_end),
        WITH_PEOPLE(test_owner),
        WITH_PEOPLE(test_writes),
        WITH_PEOPLE(test_create_refused),
        WITH_PEOPLE(test_too_many),
        WITH_PEOPLE(test_peek),
        WITH_PEOPLE(test_list_and_revoke),
        WITH_PEOPLE(test_read_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
