/* API tokens, in postern.db: for programs, without a session. The text (tokens_text.h) is shown
 * once, when the token is made; the database has its SHA-256 only.
 *
 * A token belongs to a user and has a name that is unique among the user's. Its rights are its
 * scopes AND what the owner's role has now (scopes.h): a token never can more than its owner. A
 * disabled owner's tokens rest, a deleted owner's are gone.
 *
 * Errors as in users.h: an administrator's mistake is in ERRORS, with JSON Pointers into a body
 * {"name", "scopes", "expires"}. All of it blocks; owner thread: main. */
#ifndef POSTERN_CONFIG_TOKENS_H
#define POSTERN_CONFIG_TOKENS_H

#include "config/tokens_text.h"
#include "config/users.h"

#define TOKEN_EXPIRES_DEFAULT_MS (365LL * 86400000)
#define TOKEN_EXPIRES_MAX_MS     (5LL * 365 * 86400000)

enum {
    TOKEN_NAME_MAX = 63,    /* characters (not bytes) of a name: printable, inner spaces allowed */
    TOKEN_NAME_SIZE = 253,  /* bytes, NUL included */
    TOKEN_TOUCH_MS = 60000, /* used_ms is written at most this often */
    TOKENS_PER_USER_MAX = 100 /* more are refused */
};

struct token {
    char id[TOKEN_ID_LEN + 1]; /* public */
    char user[USER_NAME_MAX + 1];
    char name[TOKEN_NAME_SIZE];
    unsigned scopes; /* 1 << enum scope, as given */
    unsigned rights; /* scopes AND the owner's role, now */
    int64_t created_ms;
    int64_t expires_ms;
    int64_t used_ms; /* to TOKEN_TOUCH_MS; 0: never */
    bool is_resting; /* the owner is disabled */
};

/* What a list of words says as bits; what is wrong is added to ERRORS at POINTER/INDEX, and false
 * returned: unknown words (value.enum, with the nearest), words given twice (key.duplicate), an
 * empty list (value.length at POINTER). */
bool token_scopes_read(const struct slice *words, size_t count, const char *pointer,
                       struct config_errors *errors, unsigned *ret_scopes) MUST_CHECK;

/* Makes a token of USER. EXPIRES_MS 0: TOKEN_EXPIRES_DEFAULT_MS from now.
 * ERR_NOT_FOUND (ref.missing at ""): no such user. ERR_EXISTS (key.duplicate at /name): the user
 * has one of that name. ERR_INVALID: /name, /scopes (none, or one that the owner's role lacks:
 * rule.not_permitted), /expires (past, or after TOKEN_EXPIRES_MAX_MS), rule.too_many at "".
 * RET_TEXT is shown once; wipe it. */
int tokens_create(struct store *store, const struct clock *clock, struct slice user,
                  struct slice name, unsigned scopes, int64_t expires_ms,
                  char ret_text[TOKEN_TEXT_LEN + 1], struct token *ret_token,
                  struct config_errors *errors, struct error *reterr) MUST_CHECK;

/* The token of a text (any bytes), which counts as used. ERR_NOT_FOUND: it is no token of ours, or
 * the owner is disabled. ERR_TIMEOUT: it is right, but has expired. Writes at most once in
 * TOKEN_TOUCH_MS; a failing write is no failure. */
int tokens_find(struct store *store, const struct clock *clock, struct slice text,
                struct token *ret_token, struct error *reterr) MUST_CHECK;

/* The token of a public id, which does not count as used: whether it still works. Errors as above.
 */
int tokens_peek(struct store *store, const struct clock *clock, struct slice id,
                struct token *ret_token, struct error *reterr) MUST_CHECK;

/* Of one user or (USER empty) of all, by user and name, expired ones too; the array is in ARENA. */
int tokens_list(struct store *store, struct slice user, struct mem_arena *arena,
                struct token **ret_tokens, size_t *ret_count, struct error *reterr) MUST_CHECK;
/* ERR_NOT_FOUND: the user has no token of that name. */
int tokens_get(struct store *store, struct slice user, struct slice name, struct token *ret_token,
               struct error *reterr) MUST_CHECK;
/* The token works no more. ERR_NOT_FOUND as above. */
int tokens_revoke(struct store *store, struct slice user, struct slice name,
                  struct error *reterr) MUST_CHECK;

#endif
