/* Sessions of administrators in a browser, in postern.db: they survive a restart.
 *
 * The cookie's value is a secret of 128 bits of clock->random, 26 signs of base32 (base32.h). The
 * database has its SHA-256 only, so who reads the database cannot log in. The public id names a
 * session in lists and in the audit and opens nothing. The value of the CSRF header is derived from
 * the secret: it is kept nowhere, and a page that was loaded again is told the same one.
 *
 * A session ends SESSION_IDLE_MS after it was last seen and SESSION_ABSOLUTE_MS after its login,
 * whichever is first; when it is revoked, its user disabled or deleted; and when the clock was set
 * back by more than SESSION_CLOCK_SLACK_MS, because then its age cannot be known. What has ended is
 * not found; sessions_sweep only frees the rows.
 *
 * ERR_DB, ERR_FULL or ERR_INVALID (damaged) is what the database refused. All of it blocks; owner
 * thread: main. */
#ifndef POSTERN_CONFIG_SESSIONS_H
#define POSTERN_CONFIG_SESSIONS_H

#include "base/ip.h"
#include "config/users.h"

enum {
    SESSION_IDLE_MS = 30 * 60 * 1000,
    SESSION_ABSOLUTE_MS = 12 * 3600 * 1000,
    SESSION_PROVED_MS = 5 * 60 * 1000, /* a password entered is good for this long */
    SESSION_TOUCH_MS = 60 * 1000,      /* seen_ms is written at most this often */
    SESSION_CLOCK_SLACK_MS = 60 * 1000,
    SESSIONS_PER_USER_MAX = 32, /* one more ends the one not seen for the longest time */
    SESSION_SECRET_SIZE = 27,   /* text and NUL, as the next two */
    SESSION_CSRF_SIZE = 27,
    SESSION_ID_SIZE = 17,
    SESSION_AGENT_MAX = 200, /* bytes of User-Agent that are kept */
};

struct session {
    char id[SESSION_ID_SIZE];
    char user[USER_NAME_MAX + 1];
    enum role role; /* the user's, now */
    int64_t created_ms;
    int64_t seen_ms;                   /* to SESSION_TOUCH_MS */
    int64_t proved_ms;                 /* when the password was last entered */
    int64_t ends_ms;                   /* if it is not seen again */
    struct ip address;                 /* of the login */
    char agent[SESSION_AGENT_MAX + 1]; /* of the login; printable ASCII, others are `?` */
};

/* After a right password. ERR_NOT_FOUND: nobody enabled has that name. RET_SECRET is told to the
 * browser once; wipe it. */
int sessions_create(struct store *store, const struct clock *clock, struct slice user,
                    const struct ip *address, struct slice agent,
                    char ret_secret[SESSION_SECRET_SIZE], struct session *ret_session,
                    struct error *reterr) MUST_CHECK;

/* The session of a cookie's value (any bytes), which counts as seen. ERR_NOT_FOUND: there is none,
 * or it has ended. Writes at most once in SESSION_TOUCH_MS; a failing write is no failure. */
int sessions_find(struct store *store, const struct clock *clock, struct slice secret,
                  struct session *ret_session, struct error *reterr) MUST_CHECK;

/* The session of a public id, which does not count as seen: whether it goes on. Errors as above. */
int sessions_peek(struct store *store, const struct clock *clock, struct slice id,
                  struct session *ret_session, struct error *reterr) MUST_CHECK;

/* The value that the header of an unsafe request must have. SECRET is one that sessions_find found.
 */
void session_csrf(struct slice secret, char ret_csrf[SESSION_CSRF_SIZE]);
/* In constant time. */
bool session_csrf_matches(struct slice secret, struct slice given) MUST_CHECK;

/* Whether the password was entered within SESSION_PROVED_MS. */
bool session_is_proved(const struct session *session, const struct clock *clock) MUST_CHECK;
/* The password was entered again, now. ERR_NOT_FOUND: the session has gone. */
int sessions_prove(struct store *store, const struct clock *clock, struct slice id,
                   struct error *reterr) MUST_CHECK;

/* What has not ended, last seen first, of one user or (USER empty) of all; the array is in ARENA.
 */
int sessions_list(struct store *store, const struct clock *clock, struct slice user,
                  struct mem_arena *arena, struct session **ret_sessions, size_t *ret_count,
                  struct error *reterr) MUST_CHECK;

/* Ends a session of USER. ERR_NOT_FOUND: the user has none with that id. */
int sessions_revoke(struct store *store, struct slice user, struct slice id,
                    struct error *reterr) MUST_CHECK;
/* Ends all of USER's but the one with the id KEEP (empty: all); how many, in *ret_count. */
int sessions_revoke_all(struct store *store, struct slice user, struct slice keep,
                        size_t *ret_count, struct error *reterr) MUST_CHECK;
/* Removes the rows of what has ended: every few minutes. */
int sessions_sweep(struct store *store, const struct clock *clock, size_t *ret_count,
                   struct error *reterr) MUST_CHECK;

#endif
