/* First start, login and logout, one's own password; sessions, one's own and those of others.
 *
 * A wrong user and a wrong password look alike and take alike long (config/password.h), and both
 * make the next attempt wait (config/throttle.h). */
#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/handlers.h"
#include "api/hash_job.h"
#include "api/json.h"
#include "api/person.h"
#include "config/sessions.h"
#include "config/setup_code.h"
#include "config/throttle.h"
#include "control/control.h"

enum { USER_TEXT_MAX = 256, CODE_TEXT_MAX = 64 };

static const struct clock *clock_of(struct api_call *call)
{
    return call->api->settings.clock;
}

/* --- who am I --- */

static json_t *session_json(struct api_call *call, const char *csrf)
{
    static const char *const kinds[] = {
        [PRINCIPAL_NONE] = "none",
        [PRINCIPAL_SESSION] = "session",
        [PRINCIPAL_TOKEN] = "token",
        [PRINCIPAL_LOCAL] = "local",
    };
    const struct principal *p = &call->principal;
    json_t *permissions = json_array(), *out = json_object();

    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        if (p->scopes & 1U << i)
            (void)json_array_append_new(permissions, json_string(scope_word((enum scope)i)));
    json_put(out, "kind", json_string(kinds[p->kind]));
    json_put(out, "name", json_string(p->name));
    json_put(out, "user", p->user[0] == '\0' ? json_null() : json_string(p->user));
    json_put(out, "role",
             p->kind == PRINCIPAL_TOKEN ? json_null() : json_string(role_word(p->role)));
    json_put(out, "permissions", permissions);
    json_put(out, "proved", json_boolean(p->is_proved));
    json_put(out, "csrf", csrf == NULL ? json_null() : json_string(csrf));
    return out;
}

void api_session_read(struct api_call *call)
{
    char csrf[SESSION_CSRF_SIZE];

    if (call->principal.kind != PRINCIPAL_SESSION) {
        respond_json(call, session_json(call, NULL));
        return;
    }
    session_csrf(auth_cookie(call->exchange), csrf);
    respond_json(call, session_json(call, csrf));
}

/* --- login --- */

/* 0: let through and charged. */
static bool is_let_through(struct api_call *call, const char *account)
{
    char seconds[16];
    uint32_t wait_s = throttle_ask(call->api->throttle, slice_str(account),
                                   &call->exchange->address, clock_mono_ms(clock_of(call)));

    if (wait_s == 0)
        return true;
    (void)snprintf(seconds, sizeof seconds, "%u", (unsigned)wait_s);
    api_exchange_reply_field(call->exchange, "Retry-After", slice_str(seconds));
    problem(call, 429, "auth.wait", "too many attempts: the next one in %u s", (unsigned)wait_s);
    return false;
}

static void give_cookie(struct api_call *call, const char *secret)
{
    char *cookie = mem_printf(AUTH_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict", secret);

    api_exchange_reply_field(call->exchange, "Set-Cookie", slice_str(cookie));
    mem_wipe(cookie, strlen(cookie));
    free(cookie);
}

static void open_session(struct api_call *call, const char *user)
{
    char secret[SESSION_SECRET_SIZE], csrf[SESSION_CSRF_SIZE];
    struct session session;
    struct error error;
    struct principal *p = &call->principal;
    struct user known;

    int r = users_find(call_store(call), slice_str(user), &known, &error);
    if (r == 0) { /* the audit's row in the transaction says who it is */
        (void)snprintf(p->name, sizeof p->name, "%s", known.name);
        r = sessions_create(
            call_store(call), clock_of(call), slice_str(user), &call->exchange->address,
            api_exchange_field(call->exchange, "User-Agent"), secret, &session, &error);
    }
    if (r < 0)
        p->name[0] = '\0';
    if (r == ERR_NOT_FOUND) {
        problem(call, 401, "auth.login", "user or password is wrong");
        return;
    }
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    throttle_succeeded(call->api->throttle, slice_str(user), &call->exchange->address);
    *p = (struct principal){.kind = PRINCIPAL_SESSION,
                            .role = session.role,
                            .is_proved = true,
                            .scopes = role_scopes(session.role)};
    (void)snprintf(p->name, sizeof p->name, "%s", session.user);
    (void)snprintf(p->user, sizeof p->user, "%s", session.user);
    (void)snprintf(p->id, sizeof p->id, "%s", session.id);
    session_csrf(slice_str(secret), csrf);
    give_cookie(call, secret);
    mem_wipe(secret, sizeof secret);
    respond_json(call, session_json(call, csrf));
}

static void login_verified(struct hash_job *job)
{
    struct api_call *call = job->call;
    const char *user = json_string_value(json_object_get(call->body, "user"));

    if (job->is_right)
        open_session(call, user);
    else
        problem(call, 401, "auth.login", "user or password is wrong");
    hash_job_end(job);
}

void api_session_create(struct api_call *call)
{
    const char *name = call_text(call, "user", true, USER_TEXT_MAX);
    struct user user;
    struct error error;

    if (name == NULL)
        return;
    struct hash_job *job = hash_job_create(call, "password", login_verified);
    if (job == NULL)
        return;
    call->audit = mem_arena_strndup(call_arena(call), name, strlen(name));
    if (!is_let_through(call, name)) {
        hash_job_end(job);
        return;
    }
    job->is_verify = true;
    int r = users_find_hash(call_store(call), slice_str(name), &user, job->hash, &error);
    if (r < 0 && r != ERR_NOT_FOUND) {
        throttle_withdraw(call->api->throttle, slice_str(name), &call->exchange->address);
        problem_failed(call, &error);
        hash_job_end(job);
        return;
    }
    job->has_hash = r == 0;
    if (!hash_job_start(job))
        throttle_withdraw(call->api->throttle, slice_str(name), &call->exchange->address);
}

void api_session_delete(struct api_call *call)
{
    struct error error;

    if (call->principal.kind != PRINCIPAL_SESSION) {
        problem(call, 409, "session.none",
                "there is no session to end: this is no browser's login");
        return;
    }
    int r = sessions_revoke(call_store(call), slice_str(call->principal.user),
                            slice_str(call->principal.id), &error);
    if (r < 0 && r != ERR_NOT_FOUND) {
        problem_failed(call, &error);
        return;
    }
    api_exchange_reply_field(
        call->exchange, "Set-Cookie",
        SLICE(AUTH_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"));
    respond_json(call, NULL);
}

static void reauth_verified(struct hash_job *job)
{
    struct api_call *call = job->call;
    char csrf[SESSION_CSRF_SIZE];
    struct error error;

    if (!job->is_right) {
        problem(call, 401, "auth.login", "the password is wrong");
    } else {
        int r =
            sessions_prove(call_store(call), clock_of(call), slice_str(call->principal.id), &error);
        throttle_succeeded(call->api->throttle, slice_str(call->principal.user),
                           &call->exchange->address);
        call->principal.is_proved = r == 0;
        session_csrf(auth_cookie(call->exchange), csrf);
        if (r == ERR_NOT_FOUND)
            problem(call, 401, "auth.invalid", "the session has ended");
        else if (r < 0)
            problem_failed(call, &error);
        else
            respond_json(call, session_json(call, csrf));
    }
    hash_job_end(job);
}

/* Verifies the body's KEY as the password of the session's own user. */
static void verify_own(struct api_call *call, const char *key, void (*then)(struct hash_job *job))
{
    struct user user;
    struct error error;

    if (call->principal.kind != PRINCIPAL_SESSION) {
        problem(call, 409, "session.none", "this is for a browser's session");
        return;
    }
    struct hash_job *job = hash_job_create(call, key, then);
    if (job == NULL)
        return;
    if (!is_let_through(call, call->principal.user)) {
        hash_job_end(job);
        return;
    }
    int r = users_find_hash(call_store(call), slice_str(call->principal.user), &user, job->hash,
                            &error);
    job->is_verify = true;
    job->has_hash = r == 0;
    if (!hash_job_start(job))
        throttle_withdraw(call->api->throttle, slice_str(call->principal.user),
                          &call->exchange->address);
}

void api_session_reauth(struct api_call *call)
{
    verify_own(call, "password", reauth_verified);
}

/* --- my password --- */

static void password_hashed(struct hash_job *job)
{
    struct api_call *call = job->call;
    struct config_errors errors;
    struct error error;

    config_errors_init(&errors);
    int r = users_set_password(call_store(call), clock_of(call), slice_str(call->principal.user),
                               job->hash, slice_str(call->principal.id), &errors, &error);
    person_answer(call, r, &errors, &error, NULL);
    config_errors_finish(&errors);
    hash_job_end(job);
}

static void old_password_verified(struct hash_job *job)
{
    struct api_call *call = job->call;

    if (!job->is_right) {
        problem(call, 401, "auth.login", "the old password is wrong");
        hash_job_end(job);
        return;
    }
    throttle_succeeded(call->api->throttle, slice_str(call->principal.user),
                       &call->exchange->address);
    if (!hash_job_take(job, "new"))
        return;
    person_hash(job, "/new", password_hashed);
}

void api_me_password(struct api_call *call)
{
    verify_own(call, "old", old_password_verified);
}

/* --- sessions --- */

/* USER: a name, or empty for nobody's. */
static void answer_sessions(struct api_call *call, struct slice user)
{
    struct session *found = NULL;
    size_t count = 0;
    struct error error;
    int r = 0;

    if (user.len > 0)
        r = sessions_list(call_store(call), clock_of(call), user, call_arena(call), &found, &count,
                          &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct session *s = &found[i];
        json_t *out = json_object();
        json_put(out, "id", json_string(s->id));
        json_put(out, "created", json_time(s->created_ms));
        json_put(out, "seen", json_time(s->seen_ms));
        json_put(out, "ends", json_time(s->ends_ms));
        json_put(out, "address", json_ip(&s->address));
        json_put(out, "agent", json_slice(slice_str(s->agent)));
        json_put(out, "current", json_boolean(strcmp(s->id, call->principal.id) == 0));
        (void)json_array_append_new(items, out);
    }
    respond_json(call, json_pack("{s:o}", "items", items));
}

void api_me_sessions(struct api_call *call)
{
    answer_sessions(call, slice_str(call->principal.user));
}

void api_user_sessions(struct api_call *call)
{
    struct user user;

    if (person_find(call, call->path_values[0], &user))
        answer_sessions(call, slice_str(user.name));
}

void api_user_sessions_delete(struct api_call *call)
{
    struct user user;
    size_t count;
    struct error error;

    if (!person_is_proved(call) || !person_find(call, call->path_values[0], &user))
        return;
    int r = sessions_revoke_all(call_store(call), slice_str(user.name), SLICE(""), &count, &error);
    if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, NULL);
}

void api_me_session_delete(struct api_call *call)
{
    struct error error;

    int r = sessions_revoke(call_store(call), slice_str(call->principal.user), call->path_values[0],
                            &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "session.unknown", "you have no such session");
    else if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, NULL);
}

/* --- the first administrator --- */

static void setup_hashed(struct hash_job *job)
{
    struct api_call *call = job->call;
    const char *state_dir = call->api->settings.control->state_dir;
    const char *code = json_string_value(json_object_get(call->body, "code"));
    const char *name = json_string_value(json_object_get(call->body, "user"));
    struct config_errors errors;
    struct error error;
    struct user user;

    if (!setup_code_check(state_dir, slice_str(code))) {
        problem(call, 403, "setup.code", "the setup code is wrong, or was used meanwhile");
        hash_job_end(job);
        return;
    }
    config_errors_init(&errors);
    int r =
        users_setup(call_store(call), clock_of(call), slice_str(name), job->hash, &errors, &error);
    if (r == 0) {
        r = setup_code_remove(state_dir, &error);
        if (r < 0)
            log_error("setup: %s; remove the file setup-code by hand", error.text);
        throttle_succeeded(call->api->throttle, SLICE("setup code"), &call->exchange->address);
        r = users_find(call_store(call), slice_str(name), &user, &error);
    }
    for (size_t i = 0; i < errors.count; i++) /* the body's own word for it */
        if (strcmp(errors.items[i].pointer, "/name") == 0)
            errors.items[i].pointer = "/user";
    person_answer(call, r, &errors, &error, r == 0 ? person_json(&user) : NULL);
    config_errors_finish(&errors);
    hash_job_end(job);
}

void api_setup(struct api_call *call)
{
    const char *code = call_text(call, "code", true, CODE_TEXT_MAX);
    const char *name = code == NULL ? NULL : call_text(call, "user", true, USER_TEXT_MAX);

    if (name == NULL || !is_let_through(call, "setup code"))
        return;
    if (!setup_code_check(call->api->settings.control->state_dir, slice_str(code))) {
        problem(
            call, 403, "setup.code",
            "the setup code is wrong, or there is none: `postern admin-reset` makes one, in the "
            "file setup-code of the state directory");
        return;
    }
    struct hash_job *job = hash_job_create(call, "password", setup_hashed);
    if (job != NULL)
        person_hash(job, "/password", setup_hashed);
}
