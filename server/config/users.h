/* Administrators: name, role, password hash, enabled or not. In postern.db, effective at once,
 * never part of a draft or a revision.
 *
 * There is always an enabled administrator once there was one: what would take the last one away
 * (delete, disable, another role) is refused as rule.last_administrator.
 *
 * Names are 1 to USER_NAME_MAX of a-z 0-9 . _ - and begin with a letter or a digit; upper case is
 * taken as lower case wherever a name comes in, so `Kim` and `kim` are the same user.
 *
 * What an administrator got wrong is added to ERRORS, with a JSON Pointer into a body such as
 * {"name", "role", "password"}; then the function returns ERR_INVALID, ERR_EXISTS or ERR_NOT_FOUND.
 * When nothing was added, *reterr says what the database refused (ERR_DB, ERR_FULL, ERR_INVALID for
 * a damaged one). All of it blocks; owner thread: main. */
#ifndef POSTERN_CONFIG_USERS_H
#define POSTERN_CONFIG_USERS_H

#include "base/clock.h"
#include "config/password.h"
#include "config/scopes.h"
#include "config/store.h"

enum {
    USER_NAME_MAX = 63,
    USERS_MAX = 1000, /* more are refused */
};

struct user {
    char name[USER_NAME_MAX + 1];
    enum role role;
    bool is_disabled;
    int64_t created_ms;  /* wall clock */
    int64_t password_ms; /* when the password was set */
};

/* The name in the form in which it is stored; false if it cannot be anybody's. */
bool user_name_normalize(struct slice name, char ret_name[USER_NAME_MAX + 1]) MUST_CHECK;

/* Adds a user. HASH is from password_hash; ROLE from role_find, ROLE_COUNT is an error at /role.
 * ERR_EXISTS (key.duplicate at /name), ERR_INVALID (/name, /role; rule.too_many at /name). */
int users_create(struct store *store, const struct clock *clock, struct slice name, enum role role,
                 const char *hash, struct config_errors *errors, struct error *reterr) MUST_CHECK;

/* What a right setup code allows (setup_code.h): NAME becomes an enabled administrator with this
 * password, whether it is new or not; sessions it had end. ERR_INVALID: /name. */
int users_setup(struct store *store, const struct clock *clock, struct slice name, const char *hash,
                struct config_errors *errors, struct error *reterr) MUST_CHECK;

/* ERR_NOT_FOUND: nobody has the name. */
int users_find(struct store *store, struct slice name, struct user *ret_user,
               struct error *reterr) MUST_CHECK;
/* The same with the password's hash, for password_verify. A disabled user is found too: refuse it
 * after the verification, in the words for a wrong password. */
int users_find_hash(struct store *store, struct slice name, struct user *ret_user,
                    char ret_hash[PASSWORD_HASH_SIZE], struct error *reterr) MUST_CHECK;
/* All of them by name; the array is in ARENA. */
int users_list(struct store *store, struct mem_arena *arena, struct user **ret_users,
               size_t *ret_count, struct error *reterr) MUST_CHECK;
/* Whether anybody could log in who may do everything: false on a first start, until /setup. */
int users_has_administrator(struct store *store, bool *ret_has, struct error *reterr) MUST_CHECK;

/* All four: ERR_NOT_FOUND (ref.missing at "") if nobody has the name. */

/* ERR_INVALID: /role. Sessions go on with the new role. */
int users_set_role(struct store *store, struct slice name, enum role role,
                   struct config_errors *errors, struct error *reterr) MUST_CHECK;
/* Disabling ends the user's sessions; the tokens rest until the user is enabled again.
 * ERR_INVALID: /disabled. */
int users_set_disabled(struct store *store, struct slice name, bool is_disabled,
                       struct config_errors *errors, struct error *reterr) MUST_CHECK;
/* Ends the user's sessions but the one with the public id KEEP_SESSION (empty: all). Tokens stay.
 */
int users_set_password(struct store *store, const struct clock *clock, struct slice name,
                       const char *hash, struct slice keep_session, struct config_errors *errors,
                       struct error *reterr) MUST_CHECK;
/* With all sessions and tokens. ERR_INVALID: "". */
int users_delete(struct store *store, struct slice name, struct config_errors *errors,
                 struct error *reterr) MUST_CHECK;

#endif
