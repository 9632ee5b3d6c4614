/* Administrators in postern.db: see users.h. Owner thread: main.
 *
 * Each change is one transaction: who is looked up in it, whether somebody else is still left who
 * may do everything, the change, and the end of the sessions that it ends. */
#include "config/users.h"

#include "config/db.h"

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool user_name_normalize(struct slice name, char ret_name[USER_NAME_MAX + 1])
{
    char text[USER_NAME_MAX + 1] = "";
    if (name.len == 0 || name.len > USER_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool is_punctuation = c == '.' || c == '_' || c == '-';
        if (!is_name_char(c) || (i == 0 && is_punctuation))
            return false;
        text[i] = c;
    }
    memcpy(ret_name, text, sizeof(text));
    return true;
}

static int check_name(struct slice name, char ret_name[USER_NAME_MAX + 1],
                      struct config_errors *errors)
{
    if (user_name_normalize(name, ret_name))
        return 0;
    if (name.len == 0 || name.len > USER_NAME_MAX)
        config_errors_add(errors, "/name", "value.length",
                          "a user's name has 1 to %d characters, this has %zu", USER_NAME_MAX,
                          name.len);
    else
        config_errors_add(errors, "/name", "value.pattern",
                          "a user's name is made of a-z 0-9 . _ - and begins with a letter or a "
                          "digit, not \"%.*s\"",
                          SLICE_ARGS(name));
    return ERR_INVALID;
}

static int check_role(enum role role, struct config_errors *errors)
{
    if (role < ROLE_COUNT)
        return 0;
    config_errors_add(errors, "/role", "value.enum", "a role is one of: %s, %s, %s",
                      role_word(ROLE_ADMINISTRATOR), role_word(ROLE_OPERATOR),
                      role_word(ROLE_READ_ONLY));
    return ERR_INVALID;
}

/* --- reading --- */

#define USER_COLUMNS "name, role, is_disabled, created_ms, password_ms"

static int read_user(sqlite3_stmt *stmt, struct user *ret_user, struct error *reterr)
{
    struct user user = {
        .role = role_find(db_column_text(stmt, 1)),
        .is_disabled = sqlite3_column_int(stmt, 2) != 0,
        .created_ms = sqlite3_column_int64(stmt, 3),
        .password_ms = sqlite3_column_int64(stmt, 4),
    };
    db_copy_text(stmt, 0, user.name, sizeof(user.name));
    if (user.role == ROLE_COUNT)
        return error_set(reterr, ERR_INVALID, "postern.db: user \"%s\" has no role", user.name);
    *ret_user = user;
    return 0;
}

/* RET_HASH may be NULL. */
static int find(struct store *store, struct slice name, struct user *ret_user, char *ret_hash,
                struct error *reterr)
{
    char normal[USER_NAME_MAX + 1];
    sqlite3_stmt *stmt = NULL;
    if (!user_name_normalize(name, normal))
        return error_set(reterr, ERR_NOT_FOUND, "no such user");
    int r = db_select(store, "SELECT " USER_COLUMNS ", password FROM users WHERE name = ?1",
                      DB_VALUES(DB_TEXT(slice_str(normal))), &stmt, reterr);
    if (r < 0)
        return r;
    int step = sqlite3_step(stmt);
    if (step == SQLITE_DONE)
        r = error_set(reterr, ERR_NOT_FOUND, "no user \"%s\"", normal);
    else if (step != SQLITE_ROW)
        r = db_error(store, reterr);
    else
        r = read_user(stmt, ret_user, reterr);
    if (r == 0 && ret_hash != NULL)
        db_copy_text(stmt, 5, ret_hash, PASSWORD_HASH_SIZE);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

int users_find(struct store *store, struct slice name, struct user *ret_user, struct error *reterr)
{
    return find(store, name, ret_user, NULL, reterr);
}

int users_find_hash(struct store *store, struct slice name, struct user *ret_user,
                    char ret_hash[PASSWORD_HASH_SIZE], struct error *reterr)
{
    return find(store, name, ret_user, ret_hash, reterr);
}

int users_list(struct store *store, struct mem_arena *arena, struct user **ret_users,
               size_t *ret_count, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int64_t size = 0;
    size_t count = 0;
    int r = db_number(store, "SELECT count(*) FROM users", NULL, 0, &size, reterr);
    if (r == 0)
        r = db_prepare(store, "SELECT " USER_COLUMNS " FROM users ORDER BY name", &stmt, reterr);
    if (r < 0)
        return r;
    struct user *users = mem_arena_alloc(arena, (size_t)size * sizeof(*users));
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && count < (size_t)size && r == 0; step = sqlite3_step(stmt)) {
        r = read_user(stmt, &users[count], reterr);
        count++;
    }
    if (r == 0 && step != SQLITE_DONE && step != SQLITE_ROW) /* a row: added since it was counted */
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    if (r == 0) {
        *ret_users = users;
        *ret_count = count;
    }
    return r;
}

/* Enabled administrators besides NAME. */
static int count_others(struct store *store, const char *name, int64_t *ret_count,
                        struct error *reterr)
{
    return db_number(
        store,
        "SELECT count(*) FROM users WHERE role = ?1 AND is_disabled = 0 AND"
        " name <> ?2",
        DB_VALUES(DB_TEXT(slice_str(role_word(ROLE_ADMINISTRATOR))), DB_TEXT(slice_str(name))),
        ret_count, reterr);
}

int users_has_administrator(struct store *store, bool *ret_has, struct error *reterr)
{
    int64_t count = 0;
    int r = count_others(store, "", &count, reterr);
    if (r == 0)
        *ret_has = count > 0;
    return r;
}

/* --- changing: each of these runs inside a transaction --- */

static int insert(struct store *store, const struct clock *clock, const char *name, enum role role,
                  const char *hash, struct config_errors *errors, struct error *reterr)
{
    struct user user;
    int64_t count = 0, now = clock_wall_ms(clock);
    int r = find(store, slice_str(name), &user, NULL, reterr);
    if (r == 0) {
        config_errors_add(errors, "/name", "key.duplicate", "there is a user \"%s\" already", name);
        return ERR_EXISTS;
    }
    if (r == ERR_NOT_FOUND)
        r = db_number(store, "SELECT count(*) FROM users", NULL, 0, &count, reterr);
    if (r < 0)
        return r;
    if (count >= USERS_MAX) {
        config_errors_add(errors, "/name", "rule.too_many", "there are %d users, more are not kept",
                          USERS_MAX);
        return ERR_INVALID;
    }
    return db_change(store, "INSERT INTO users VALUES(?1, ?2, ?3, 0, ?4, ?4)",
                     DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(slice_str(role_word(role))),
                               DB_TEXT(slice_str(hash)), DB_NUMBER(now)),
                     NULL, reterr);
}

static int find_for_change(struct store *store, struct slice name, struct user *ret_user,
                           struct config_errors *errors, struct error *reterr)
{
    int r = find(store, name, ret_user, NULL, reterr);
    if (r == ERR_NOT_FOUND)
        config_errors_add(errors, "", "ref.missing", "there is no user \"%.*s\"",
                          (int)(name.len > USER_NAME_MAX ? USER_NAME_MAX : name.len), name.p);
    return r;
}

/* ERR_INVALID if USER is all that is left of those who may do everything. */
static int keep_one(struct store *store, const struct user *user, const char *pointer,
                    struct config_errors *errors, struct error *reterr)
{
    int64_t others = 0;
    if (user->role != ROLE_ADMINISTRATOR || user->is_disabled)
        return 0;
    int r = count_others(store, user->name, &others, reterr);
    if (r < 0 || others > 0)
        return r;
    config_errors_add(errors, pointer, "rule.last_administrator",
                      "\"%s\" is the only enabled administrator: nobody could undo this",
                      user->name);
    return ERR_INVALID;
}

static int end_sessions(struct store *store, const char *name, struct slice keep,
                        struct error *reterr)
{
    return db_change(store, "DELETE FROM sessions WHERE user = ?1 AND id <> ?2",
                     DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(keep)), NULL, reterr);
}

static int set_role(struct store *store, struct slice name, enum role role,
                    struct config_errors *errors, struct error *reterr)
{
    struct user user;
    int r = find_for_change(store, name, &user, errors, reterr);
    if (r == 0 && role != ROLE_ADMINISTRATOR)
        r = keep_one(store, &user, "/role", errors, reterr);
    if (r < 0)
        return r;
    return db_change(store, "UPDATE users SET role = ?2 WHERE name = ?1",
                     DB_VALUES(DB_TEXT(slice_str(user.name)), DB_TEXT(slice_str(role_word(role)))),
                     NULL, reterr);
}

static int set_disabled(struct store *store, struct slice name, bool is_disabled,
                        struct config_errors *errors, struct error *reterr)
{
    struct user user;
    int r = find_for_change(store, name, &user, errors, reterr);
    if (r == 0 && is_disabled)
        r = keep_one(store, &user, "/disabled", errors, reterr);
    if (r == 0 && is_disabled)
        r = end_sessions(store, user.name, SLICE(""), reterr);
    if (r < 0)
        return r;
    return db_change(store, "UPDATE users SET is_disabled = ?2 WHERE name = ?1",
                     DB_VALUES(DB_TEXT(slice_str(user.name)), DB_NUMBER(is_disabled)), NULL,
                     reterr);
}

static int set_password(struct store *store, const struct clock *clock, const char *name,
                        const char *hash, struct slice keep_session, struct error *reterr)
{
    int r = db_change(store, "UPDATE users SET password = ?2, password_ms = ?3 WHERE name = ?1",
                      DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(slice_str(hash)),
                                DB_NUMBER(clock_wall_ms(clock))),
                      NULL, reterr);
    return r == 0 ? end_sessions(store, name, keep_session, reterr) : r;
}

static int set_up(struct store *store, const struct clock *clock, const char *name,
                  const char *hash, struct config_errors *errors, struct error *reterr)
{
    struct user user;
    int r = find(store, slice_str(name), &user, NULL, reterr);
    if (r == ERR_NOT_FOUND)
        return insert(store, clock, name, ROLE_ADMINISTRATOR, hash, errors, reterr);
    if (r == 0)
        r = db_change(
            store, "UPDATE users SET role = ?2, is_disabled = 0 WHERE name = ?1",
            DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(slice_str(role_word(ROLE_ADMINISTRATOR)))),
            NULL, reterr);
    return r == 0 ? set_password(store, clock, name, hash, SLICE(""), reterr) : r;
}

static int delete_user(struct store *store, struct slice name, struct config_errors *errors,
                       struct error *reterr)
{
    struct user user;
    int r = find_for_change(store, name, &user, errors, reterr);
    if (r == 0)
        r = keep_one(store, &user, "", errors, reterr);
    if (r < 0)
        return r;
    /* Sessions and tokens go with it: ON DELETE CASCADE. */
    return db_change(store, "DELETE FROM users WHERE name = ?1",
                     DB_VALUES(DB_TEXT(slice_str(user.name))), NULL, reterr);
}

/* --- the doors --- */

int users_create(struct store *store, const struct clock *clock, struct slice name, enum role role,
                 const char *hash, struct config_errors *errors, struct error *reterr)
{
    char normal[USER_NAME_MAX + 1];
    int r_name = check_name(name, normal, errors), r = check_role(role, errors);
    if (r_name < 0 || r < 0)
        return ERR_INVALID;
    r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = insert(store, clock, normal, role, hash, errors, reterr);
    return db_end(store, r, reterr);
}

int users_setup(struct store *store, const struct clock *clock, struct slice name, const char *hash,
                struct config_errors *errors, struct error *reterr)
{
    char normal[USER_NAME_MAX + 1];
    int r = check_name(name, normal, errors);
    if (r == 0)
        r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = set_up(store, clock, normal, hash, errors, reterr);
    return db_end(store, r, reterr);
}

int users_set_role(struct store *store, struct slice name, enum role role,
                   struct config_errors *errors, struct error *reterr)
{
    int r = check_role(role, errors);
    if (r == 0)
        r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = set_role(store, name, role, errors, reterr);
    return db_end(store, r, reterr);
}

int users_set_disabled(struct store *store, struct slice name, bool is_disabled,
                       struct config_errors *errors, struct error *reterr)
{
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = set_disabled(store, name, is_disabled, errors, reterr);
    return db_end(store, r, reterr);
}

int users_set_password(struct store *store, const struct clock *clock, struct slice name,
                       const char *hash, struct slice keep_session, struct config_errors *errors,
                       struct error *reterr)
{
    struct user user;
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = find_for_change(store, name, &user, errors, reterr);
    if (r == 0)
        r = set_password(store, clock, user.name, hash, keep_session, reterr);
    return db_end(store, r, reterr);
}

int users_delete(struct store *store, struct slice name, struct config_errors *errors,
                 struct error *reterr)
{
    int r = db_begin(store, reterr);
    if (r < 0)
        return r;
    r = delete_user(store, name, errors, reterr);
    return db_end(store, r, reterr);
}
