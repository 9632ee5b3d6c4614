/* Sessions in postern.db: see sessions.h. Owner thread: main.
 *
 * What a session's age allows is one condition in SQL (IS_YOUNG), so that finding, listing and
 * sweeping cannot differ. A look-up by the hash of the secret needs no constant time: who does not
 * know the secret cannot choose what its hash begins with. */
#include "config/sessions.h"

#include "config/base32.h"
#include "config/db.h"
#include "config/sha256.h"

enum { SECRET_BYTES = 16, ID_BYTES = 10, CSRF_BYTES = 16, SECRET_LEN = SESSION_SECRET_SIZE - 1 };

_Static_assert(BASE32_LEN(SECRET_BYTES) == SECRET_LEN, "the secret's signs");
_Static_assert(BASE32_LEN(ID_BYTES) == SESSION_ID_SIZE - 1, "the id's signs");
_Static_assert(BASE32_LEN(CSRF_BYTES) == SESSION_CSRF_SIZE - 1, "the CSRF value's signs");

/* ?1 and ?2: the ends of what is too long ago; ?3: of what is still to come. */
#define IS_YOUNG "(s.seen_ms > ?1 AND s.created_ms > ?2 AND max(s.seen_ms, s.created_ms) <= ?3)"
#define AGES(now)                                                                                  \
    DB_NUMBER((now)-SESSION_IDLE_MS), DB_NUMBER((now)-SESSION_ABSOLUTE_MS),                        \
        DB_NUMBER((now) + SESSION_CLOCK_SLACK_MS)

#define COLUMNS   "s.id, s.user, u.role, s.created_ms, s.seen_ms, s.proved_ms, s.address, s.agent"
#define FROM_BOTH " FROM sessions s JOIN users u ON u.name = s.user WHERE u.is_disabled = 0"

static void set_ends(struct session *session)
{
    int64_t idle = session->seen_ms + SESSION_IDLE_MS;
    int64_t absolute = session->created_ms + SESSION_ABSOLUTE_MS;
    session->ends_ms = idle < absolute ? idle : absolute;
}

static int read_session(sqlite3_stmt *stmt, struct session *ret_session, struct error *reterr)
{
    struct session session = {
        .role = role_find(db_column_text(stmt, 2)),
        .created_ms = sqlite3_column_int64(stmt, 3),
        .seen_ms = sqlite3_column_int64(stmt, 4),
        .proved_ms = sqlite3_column_int64(stmt, 5),
    };
    db_copy_text(stmt, 0, session.id, sizeof(session.id));
    db_copy_text(stmt, 1, session.user, sizeof(session.user));
    if (!ip_parse(db_column_text(stmt, 6), &session.address))
        session.address = (struct ip){.family = 0};
    db_copy_text(stmt, 7, session.agent, sizeof(session.agent));
    if (session.role == ROLE_COUNT)
        return error_set(reterr, ERR_INVALID, "postern.db: user \"%s\" has no role", session.user);
    set_ends(&session);
    *ret_session = session;
    return 0;
}

static void hash_secret(struct slice secret, uint8_t ret_hash[SHA256_BYTES])
{
    sha256(secret, ret_hash);
}

/* --- making --- */

static void copy_agent(struct slice agent, char ret_agent[SESSION_AGENT_MAX + 1])
{
    size_t len = agent.len < SESSION_AGENT_MAX ? agent.len : SESSION_AGENT_MAX;
    for (size_t i = 0; i < len; i++)
        ret_agent[i] = agent.p[i] >= ' ' && agent.p[i] <= '~' ? agent.p[i] : '?';
    ret_agent[len] = '\0';
}

/* Makes room: with the new one a user has at most SESSIONS_PER_USER_MAX. */
static int end_oldest(struct store *store, const char *user, struct error *reterr)
{
    return db_change(store,
                     "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user = ?1"
                     " ORDER BY seen_ms DESC, created_ms DESC, id LIMIT -1 OFFSET ?2)",
                     DB_VALUES(DB_TEXT(slice_str(user)), DB_NUMBER(SESSIONS_PER_USER_MAX - 1)),
                     NULL, reterr);
}

static int insert(struct store *store, struct slice name, const char *secret,
                  struct session *session, struct error *reterr)
{
    struct user user;
    uint8_t hash[SHA256_BYTES];
    char address[IP_TEXT_MAX] = "";
    int r = users_find(store, name, &user, reterr);
    if (r == 0 && user.is_disabled)
        r = error_set(reterr, ERR_NOT_FOUND, "user \"%s\" is disabled", user.name);
    if (r == 0)
        r = end_oldest(store, user.name, reterr);
    if (r < 0)
        return r;
    memcpy(session->user, user.name, sizeof(session->user));
    session->role = user.role;
    if (session->address.family != 0)
        (void)ip_format(&session->address, address);
    hash_secret(slice_str(secret), hash);
    return db_change(store, "INSERT INTO sessions VALUES(?1, ?2, ?3, ?4, ?4, ?4, ?5, ?6)",
                     DB_VALUES(DB_TEXT(slice_str(session->id)), DB_BLOB(hash, sizeof(hash)),
                               DB_TEXT(slice_str(session->user)), DB_NUMBER(session->created_ms),
                               DB_TEXT(slice_str(address)), DB_TEXT(slice_str(session->agent))),
                     NULL, reterr);
}

int sessions_create(struct store *store, const struct clock *clock, struct slice user,
                    const struct ip *address, struct slice agent,
                    char ret_secret[SESSION_SECRET_SIZE], struct session *ret_session,
                    struct error *reterr)
{
    uint8_t id[ID_BYTES], secret[SECRET_BYTES];
    char text[SESSION_SECRET_SIZE];
    int64_t now = clock_wall_ms(clock);
    struct session session = {.created_ms = now, .seen_ms = now, .proved_ms = now};
    clock->random(clock, id, sizeof(id));
    clock->random(clock, secret, sizeof(secret));
    base32_encode(id, sizeof(id), session.id);
    base32_encode(secret, sizeof(secret), text);
    session.address = *address;
    copy_agent(agent, session.agent);
    set_ends(&session);
    int r = db_begin(store, reterr);
    if (r == 0) {
        r = insert(store, user, text, &session, reterr);
        r = db_end(store, r, reterr);
    }
    if (r == 0) {
        memcpy(ret_secret, text, sizeof(text));
        *ret_session = session;
    }
    mem_wipe(secret, sizeof(secret));
    mem_wipe(text, sizeof(text));
    return r;
}

/* --- finding --- */

/* The only row of a query over COLUMNS, or ERR_NOT_FOUND. */
static int read_one(struct store *store, sqlite3_stmt *stmt, struct session *ret_session,
                    struct error *reterr)
{
    int step = sqlite3_step(stmt), r;
    if (step == SQLITE_DONE)
        r = error_set(reterr, ERR_NOT_FOUND, "no such session");
    else if (step != SQLITE_ROW)
        r = db_error(store, reterr);
    else
        r = read_session(stmt, ret_session, reterr);
    (void)sqlite3_finalize(stmt); /* repeats the step's result */
    return r;
}

static int find(struct store *store, int64_t now, struct slice secret, struct session *ret_session,
                struct error *reterr)
{
    uint8_t hash[SHA256_BYTES];
    sqlite3_stmt *stmt = NULL;
    hash_secret(secret, hash);
    int r = db_select(store, "SELECT " COLUMNS FROM_BOTH " AND s.secret = ?4 AND " IS_YOUNG,
                      DB_VALUES(AGES(now), DB_BLOB(hash, sizeof(hash))), &stmt, reterr);
    return r == 0 ? read_one(store, stmt, ret_session, reterr) : r;
}

int sessions_peek(struct store *store, const struct clock *clock, struct slice id,
                  struct session *ret_session, struct error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int r = db_select(store, "SELECT " COLUMNS FROM_BOTH " AND s.id = ?4 AND " IS_YOUNG,
                      DB_VALUES(AGES(clock_wall_ms(clock)), DB_TEXT(id)), &stmt, reterr);
    return r == 0 ? read_one(store, stmt, ret_session, reterr) : r;
}

int sessions_find(struct store *store, const struct clock *clock, struct slice secret,
                  struct session *ret_session, struct error *reterr)
{
    int64_t now = clock_wall_ms(clock);
    if (secret.len != SECRET_LEN)
        return error_set(reterr, ERR_NOT_FOUND, "no such session");
    int r = find(store, now, secret, ret_session, reterr);
    if (r < 0 || now - ret_session->seen_ms < SESSION_TOUCH_MS)
        return r;
    r = db_change(store, "UPDATE sessions SET seen_ms = ?2 WHERE id = ?1",
                  DB_VALUES(DB_TEXT(slice_str(ret_session->id)), DB_NUMBER(now)), NULL, NULL);
    if (r == 0) { /* else it ends a little earlier: a full disk logs nobody out at once */
        ret_session->seen_ms = now;
        set_ends(ret_session);
    }
    return 0;
}

/* --- the CSRF value --- */

void session_csrf(struct slice secret, char ret_csrf[SESSION_CSRF_SIZE])
{
    static const char label[] = "postern csrf ";
    char text[sizeof(label) - 1 + SECRET_LEN];
    uint8_t hash[SHA256_BYTES];
    ASSERT(secret.len == SECRET_LEN);
    /* The label keeps it apart from the hash in the database, which must not give it away. */
    memcpy(text, label, sizeof(label) - 1);
    memcpy(text + sizeof(label) - 1, secret.p, SECRET_LEN);
    sha256(slice_of(text, sizeof(text)), hash);
    base32_encode(hash, CSRF_BYTES, ret_csrf);
    mem_wipe(text, sizeof(text));
    mem_wipe(hash, sizeof(hash));
}

bool session_csrf_matches(struct slice secret, struct slice given)
{
    char csrf[SESSION_CSRF_SIZE];
    session_csrf(secret, csrf);
    bool is_same =
        given.len == SESSION_CSRF_SIZE - 1 && mem_eq_secret(given.p, csrf, SESSION_CSRF_SIZE - 1);
    mem_wipe(csrf, sizeof(csrf));
    return is_same;
}

/* --- the password again --- */

bool session_is_proved(const struct session *session, const struct clock *clock)
{
    int64_t age = clock_wall_ms(clock) - session->proved_ms;
    return age >= -SESSION_CLOCK_SLACK_MS && age < SESSION_PROVED_MS;
}

int sessions_prove(struct store *store, const struct clock *clock, struct slice id,
                   struct error *reterr)
{
    return db_change_alone(store, "UPDATE sessions SET proved_ms = ?2 WHERE id = ?1",
                           DB_VALUES(DB_TEXT(id), DB_NUMBER(clock_wall_ms(clock))),
                           "no such session", reterr);
}

/* --- lists and ends --- */

#define OF_USER " AND (?4 = '' OR s.user = ?4) AND " IS_YOUNG

int sessions_list(struct store *store, const struct clock *clock, struct slice user,
                  struct mem_arena *arena, struct session **ret_sessions, size_t *ret_count,
                  struct error *reterr)
{
    char name[USER_NAME_MAX + 1] = "";
    int64_t now = clock_wall_ms(clock), size = 0;
    size_t count = 0;
    sqlite3_stmt *stmt = NULL;
    if (user.len > 0 && !user_name_normalize(user, name)) {
        *ret_sessions = NULL;
        *ret_count = 0;
        return 0;
    }
    int r = db_number(store, "SELECT count(*)" FROM_BOTH OF_USER,
                      DB_VALUES(AGES(now), DB_TEXT(slice_str(name))), &size, reterr);
    if (r == 0)
        r = db_select(store,
                      "SELECT " COLUMNS FROM_BOTH OF_USER
                      " ORDER BY s.seen_ms DESC, s.created_ms DESC, s.id",
                      DB_VALUES(AGES(now), DB_TEXT(slice_str(name))), &stmt, reterr);
    if (r < 0)
        return r;
    struct session *sessions = mem_arena_alloc(arena, (size_t)size * sizeof(*sessions));
    int step = sqlite3_step(stmt);
    for (; step == SQLITE_ROW && count < (size_t)size && r == 0; step = sqlite3_step(stmt))
        r = read_session(stmt, &sessions[count++], reterr);
    if (r == 0 && step != SQLITE_DONE && step != SQLITE_ROW) /* a row: added since it was counted */
        r = db_error(store, reterr);
    (void)sqlite3_finalize(stmt);
    if (r == 0) {
        *ret_sessions = sessions;
        *ret_count = count;
    }
    return r;
}

int sessions_revoke(struct store *store, struct slice user, struct slice id, struct error *reterr)
{
    char name[USER_NAME_MAX + 1] = "";
    if (!user_name_normalize(user, name))
        return error_set(reterr, ERR_NOT_FOUND, "no such session");
    return db_change_alone(store, "DELETE FROM sessions WHERE user = ?1 AND id = ?2",
                           DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(id)), "no such session",
                           reterr);
}

int sessions_revoke_all(struct store *store, struct slice user, struct slice keep,
                        size_t *ret_count, struct error *reterr)
{
    char name[USER_NAME_MAX + 1] = "";
    size_t count = 0;
    int r = 0;
    if (user_name_normalize(user, name)) {
        r = db_begin(store, reterr);
        if (r == 0) {
            r = db_change(store, "DELETE FROM sessions WHERE user = ?1 AND id <> ?2",
                          DB_VALUES(DB_TEXT(slice_str(name)), DB_TEXT(keep)), &count, reterr);
            r = db_end(store, r, reterr);
        }
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

int sessions_sweep(struct store *store, const struct clock *clock, size_t *ret_count,
                   struct error *reterr)
{
    return db_change(store, "DELETE FROM sessions AS s WHERE NOT " IS_YOUNG,
                     DB_VALUES(AGES(clock_wall_ms(clock))), ret_count, reterr);
}
