/* API tokens in postern.db: see tokens.h. Owner thread: main.
 *
 * A token is looked up by its public id; then the SHA-256 of the whole text is compared in constant
 * time. Scopes are stored as words, so that a new row in scopes.def renumbers nothing. */
#include "config/tokens.h"

#include "base/limits.h"
#include "config/db.h"
#include "config/sha256.h"
#include "config/validate.h"

enum { SCOPES_TEXT_MAX = 512 };

#define COLUMNS                                                                                    \
    "t.id, t.user, t.name, t.scopes, t.created_ms, t.expires_ms, t.used_ms, u.role,"               \
    " u.is_disabled, t.secret"
#define FROM_BOTH " FROM tokens t JOIN users u ON u.name = t.user"

/* --- scopes --- */

bool token_scopes_read(const struct slice *words, size_t count, const char *pointer,
                       struct config_errors *errors, unsigned *ret_scopes)
{
    const char *known[SCOPE_COUNT];
    unsigned scopes = 0;
    bool is_right = count > 0;
    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        known[i] = scope_word((enum scope)i);
    if (count == 0)
        config_errors_add(errors, pointer, "value.length", "a token has at least one scope");
    for (size_t i = 0; i < count; i++) {
        enum scope scope = scope_find(words[i]);
        struct slice shown = words[i];
        SCOPED(mem_free_at) char *place = mem_printf("%s/%zu", pointer, i);
        if (shown.len > CFG_QUOTE_MAX)
            shown.len = CFG_QUOTE_MAX;
        if (scope == SCOPE_COUNT) {
            const char *nearest = cfg_nearest(words[i], known, SCOPE_COUNT);
            config_errors_add(errors, place, "value.enum", "there is no scope \"%.*s\"%s%s%s",
                              SLICE_ARGS(shown), nearest == NULL ? "" : "; did you mean \"",
                              nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"?");
        } else if (scopes & 1U << scope) {
            config_errors_add(errors, place, "key.duplicate", "\"%s\" is given twice",
                              known[scope]);
        } else {
            scopes |= 1U << scope;
            continue;
        }
        is_right = false;
    }
    if (is_right)
        *ret_scopes = scopes;
    return is_right;
}

static void scopes_to_text(unsigned scopes, char text[SCOPES_TEXT_MAX])
{
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (scopes & 1U << i)
            len += (size_t)snprintf(text + len, SCOPES_TEXT_MAX - len, "%s%s", len == 0 ? "" : " ",
                                    scope_word((enum scope)i));
        ASSERT(len < SCOPES_TEXT_MAX);
    }
}

/* Words that this program does not know give no right. */
static unsigned scopes_of_text(struct slice text)
{
    unsigned scopes = 0;
    while (text.len > 0) {
        enum scope scope = scope_find(slice_cut(&text, ' '));
        scopes |= scope == SCOPE_COUNT ? 0 : 1U << scope;
    }
    return scopes;
}

/* --- reading --- */

static int read_token(sqlite3_stmt *stmt, struct token *ret_token, struct error *reterr)
{
    enum role role = role_find(db_column_text(stmt, 7));
    struct token token = {
        .scopes = scopes_of_text(db_column_text(stmt, 3)),
        .created_ms = sqlite3_column_int64(stmt, 4),
        .expires_ms = sqlite3_column_int64(stmt, 5),
        .used_ms = sqlite3_column_int64(stmt, 6),
        .is_resting = sqlite3_column_int(stmt, 8) != 0,
    };
    db_copy_text(stmt, 0, token.id, sizeof(token.id));
    db_copy_text(stmt, 1, token.user, sizeof(token.user));
    db_copy_text(stmt, 2, token.name, sizeof(token.name));
    if (role == ROLE_COUNT)
        return error_set(reterr, ERR_INVALID, "postern.db: user \"%s\" has no role", token.user);
    token.rights = token.scopes & role_scopes(role);
    *ret_token = token;
    return 0;
}

/* The only row of a query over COLUMNS, or ERR_NOT_FOUND; HASH (may be NULL) must be its secret's.
 */
static int read_one(struct store *store, sqlite3_stmt *stmt, const uint8_t *hash,
                    struct token *ret_token, struct error *reterr)
{
    int step = sqlite3_step(stmt), r = 0;
    bool is_there = step == SQLITE_ROW;
    if (!is_there && step != SQLITE_DONE)
        r = db_error(store, reterr);
    if (is_there && hash != NULL)
        is_there = sqlite3_column_bytes(stmt, 9) == SHA256_BYTES &&
                   mem_eq_secret(sqlite3_column_blob(stmt, 9), hash, SHA256_BYTES);
    if (r == 0)
        r = is_there ? read_token(stmt, ret_token, reterr)
                     : error_set(reterr, ERR_NOT_FOUND, "no such token");
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

int tokens_get(struct store *store, struct slice user, struct slice name, struct token *ret_token,
               struct error *reterr)
{
    char normal[USER_NAME_MAX + 1];
    sqlite3_stmt *stmt = NULL;
    if (!user_name_normalize(user, normal))
        return error_set(reterr, ERR_NOT_FOUND, "no such token");
    int r = db_select(store, "SELECT " COLUMNS FROM_BOTH " WHERE t.user = ?1 AND t.name = ?2",
                      DB_VALUES(DB_TEXT(slice_str(normal)), DB_TEXT(name)), &stmt, reterr);
    return r == 0 ? read_one(store, stmt, NULL, ret_token, reterr) : r;
}

/* HASH as in read_one. */
static int find(struct store *store, int64_t now, struct slice id, const uint8_t *hash,
                struct token *ret_token, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int r = db_select(store, "SELECT " COLUMNS FROM_BOTH " WHERE u.is_disabled = 0 AND t.id = ?1",
                      DB_VALUES(DB_TEXT(id)), &stmt, reterr);
    if (r == 0)
        r = read_one(store, stmt, hash, ret_token, reterr);
    if (r == 0 && now >= ret_token->expires_ms)
        r = error_set(reterr, ERR_TIMEOUT, "the token \"%s\" has expired", ret_token->name);
    return r;
}

int tokens_peek(struct store *store, const struct clock *clock, struct slice id,
                struct token *ret_token, struct error *reterr)
{
    return find(store, clock_wall_ms(clock), id, NULL, ret_token, reterr);
}

int tokens_find(struct store *store, const struct clock *clock, struct slice text,
                struct token *ret_token, struct error *reterr)
{
    uint8_t hash[SHA256_BYTES];
    struct slice id;
    int64_t now = clock_wall_ms(clock);
    if (!token_text_parse(text, &id))
        return error_set(reterr, ERR_NOT_FOUND, "no such token");
    sha256(text, hash);
    int r = find(store, now, id, hash, ret_token, reterr);
    if (r < 0)
        return r;
    if (now - ret_token->used_ms < TOKEN_TOUCH_MS)
        return 0;
    r = db_change(store, "UPDATE tokens SET used_ms = ?2 WHERE id = ?1",
                  DB_VALUES(DB_TEXT(id), DB_NUMBER(now)), NULL, NULL);
    if (r == 0) /* else it only looks unused: a full disk stops no request */
        ret_token->used_ms = now;
    return 0;
}

#define OF_USER " WHERE (?1 = '' OR t.user = ?1)"

int tokens_list(struct store *store, struct slice user, struct mem_arena *arena,
                struct token **ret_tokens, size_t *ret_count, struct error *reterr)
{
    char name[USER_NAME_MAX + 1] = "";
    int64_t size = 0;
    size_t count = 0;
    sqlite3_stmt *stmt = NULL;
    if (user.len > 0 && !user_name_normalize(user, name)) {
        *ret_tokens = NULL;
        *ret_count = 0;
        return 0;
    }
    int r = db_number(store, "SELECT count(*)" FROM_BOTH OF_USER,
                      DB_VALUES(DB_TEXT(slice_str(name))), &size, reterr);
    if (r == 0)
        r = db_select(store, "SELECT " COLUMNS FROM_BOTH OF_USER " ORDER BY t.user, t.name",
                      DB_VALUES(DB_TEXT(slice_str(name))), &stmt, reterr);
    if (r < 0)
        return r;
    struct token *tokens = mem_arena_alloc(arena, (size_t)size * sizeof(*tokens));
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && count < (size_t)size && r == 0; step = sqlite3_step(stmt))
        r = read_token(stmt, &tokens[count++], reterr);
    if (r == 0 && step != SQLITE_DONE && step != SQLITE_ROW) /* a row: added since it was counted */
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    if (r == 0) {
        *ret_tokens = tokens;
        *ret_count = count;
    }
    return r;
}

/* --- making --- */

static bool check_name(struct slice name, struct config_errors *errors)
{
    static const struct cfg_row row = {.kind = CFG_KIND_NAME, .flags = CFG_REQUIRED};
    struct cfg_why why;
    bool is_right = cfg_check_text(&row, name, &why);
    if (is_right && name.len >= TOKEN_NAME_SIZE) { /* no UTF-8: it did not come from JSON */
        cfg_why_set(&why, "value.length", "a name has at most %d bytes", TOKEN_NAME_SIZE - 1);
        is_right = false;
    }
    if (is_right)
        return true;
    config_errors_add(errors, "/name", why.code, "%s", why.text);
    return false;
}

static bool check_expiry(int64_t expires_ms, int64_t now, struct config_errors *errors)
{
    if (expires_ms > now && expires_ms - now <= TOKEN_EXPIRES_MAX_MS)
        return true;
    config_errors_add(errors, "/expires", "value.range",
                      expires_ms <= now ? "a token must expire in the future"
                                        : "a token must expire within %lld days",
                      TOKEN_EXPIRES_MAX_MS / 86400000);
    return false;
}

static bool check_scopes(unsigned scopes, const struct user *owner, struct config_errors *errors)
{
    unsigned lacking = scopes & ~role_scopes(owner->role);
    ASSERT(scopes < 1U << SCOPE_COUNT);
    if (scopes == 0)
        config_errors_add(errors, "/scopes", "value.length", "a token has at least one scope");
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (lacking & 1U << i)
            config_errors_add(errors, "/scopes", "rule.not_permitted",
                              "\"%s\" has the role %s, which lacks %s", owner->name,
                              role_word(owner->role), scope_word((enum scope)i));
    }
    return scopes != 0 && lacking == 0;
}

static int check_place(struct store *store, const struct token *token, struct config_errors *errors,
                       struct error *reterr)
{
    struct token other;
    int64_t count = 0;
    int r = tokens_get(store, slice_str(token->user), slice_str(token->name), &other, reterr);
    if (r == 0) {
        config_errors_add(errors, "/name", "key.duplicate", "\"%s\" has a token \"%s\" already",
                          token->user, token->name);
        return ERR_EXISTS;
    }
    if (r == ERR_NOT_FOUND)
        r = db_number(store, "SELECT count(*) FROM tokens WHERE user = ?1",
                      DB_VALUES(DB_TEXT(slice_str(token->user))), &count, reterr);
    if (r == 0 && count >= TOKENS_PER_USER_MAX) {
        config_errors_add(errors, "", "rule.too_many", "\"%s\" has %d tokens, more are not kept",
                          token->user, TOKENS_PER_USER_MAX);
        r = ERR_INVALID;
    }
    return r;
}

static int insert(struct store *store, const struct token *token, const char *text,
                  struct error *reterr)
{
    uint8_t hash[SHA256_BYTES];
    char scopes[SCOPES_TEXT_MAX];
    sha256(slice_str(text), hash);
    scopes_to_text(token->scopes, scopes);
    return db_change(store, "INSERT INTO tokens VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
                     DB_VALUES(DB_TEXT(slice_str(token->id)), DB_BLOB(hash, sizeof(hash)),
                               DB_TEXT(slice_str(token->user)), DB_TEXT(slice_str(token->name)),
                               DB_TEXT(slice_str(scopes)), DB_NUMBER(token->created_ms),
                               DB_NUMBER(token->expires_ms)),
                     NULL, reterr);
}

/* Inside a transaction. Fills in what depends on the owner. */
static int create(struct store *store, struct slice user, struct token *token, const char *text,
                  struct config_errors *errors, struct error *reterr)
{
    struct user owner;
    int r = users_find(store, user, &owner, reterr);
    if (r == ERR_NOT_FOUND)
        config_errors_add(errors, "", "ref.missing", "there is no user \"%.*s\"",
                          (int)(user.len > USER_NAME_MAX ? USER_NAME_MAX : user.len), user.p);
    if (r < 0)
        return r;
    memcpy(token->user, owner.name, sizeof(token->user));
    token->rights = token->scopes & role_scopes(owner.role);
    token->is_resting = owner.is_disabled;
    if (!check_scopes(token->scopes, &owner, errors))
        return ERR_INVALID;
    r = check_place(store, token, errors, reterr);
    return r == 0 ? insert(store, token, text, reterr) : r;
}

static void make_text(const struct clock *clock, struct token *token,
                      char ret_text[TOKEN_TEXT_LEN + 1])
{
    uint8_t id[TOKEN_ID_BYTES], secret[TOKEN_SECRET_BYTES];
    struct slice signs;
    clock->random(clock, id, sizeof(id));
    clock->random(clock, secret, sizeof(secret));
    token_text_make(id, secret, ret_text);
    mem_wipe(secret, sizeof(secret));
    bool is_token = token_text_parse(slice_of(ret_text, TOKEN_TEXT_LEN), &signs);
    ASSERT(is_token);
    memcpy(token->id, signs.p, signs.len);
}

int tokens_create(struct store *store, const struct clock *clock, struct slice user,
                  struct slice name, unsigned scopes, int64_t expires_ms,
                  char ret_text[TOKEN_TEXT_LEN + 1], struct token *ret_token,
                  struct config_errors *errors, struct error *reterr)
{
    char text[TOKEN_TEXT_LEN + 1];
    int64_t now = clock_wall_ms(clock);
    struct token token = {.scopes = scopes, .created_ms = now};
    token.expires_ms = expires_ms == 0 ? now + TOKEN_EXPIRES_DEFAULT_MS : expires_ms;
    bool has_name = check_name(name, errors);
    if (!check_expiry(token.expires_ms, now, errors) || !has_name)
        return ERR_INVALID;
    memcpy(token.name, name.p, name.len);
    make_text(clock, &token, text);
    int r = db_begin(store, reterr);
    if (r == 0) {
        r = create(store, user, &token, text, errors, reterr);
        r = db_end(store, r, reterr);
    }
    if (r == 0) {
        memcpy(ret_text, text, sizeof(text));
        *ret_token = token;
    }
    mem_wipe(text, sizeof(text));
    return r;
}

int tokens_revoke(struct store *store, struct slice user, struct slice name, struct error *reterr)
{
    char normal[USER_NAME_MAX + 1] = "";
    if (!user_name_normalize(user, normal))
        return error_set(reterr, ERR_NOT_FOUND, "no such token");
    return db_change_alone(store, "DELETE FROM tokens WHERE user = ?1 AND name = ?2",
                           DB_VALUES(DB_TEXT(slice_str(normal)), DB_TEXT(name)), "no such token",
                           reterr);
}
