/* Administrators and API tokens; the audit of what all of them did. At once, never staged. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/person.h"
#include "config/audit.h"
#include "config/tokens.h"
#include "control/control.h"

enum { NAME_MAX_BYTES = 256, DAY_S = 86400, TOKEN_DAYS_MAX = 3650, AUDIT_DEFAULT = 100 };

json_t *person_json(const struct user *user)
{
    return json_pack("{s:s,s:s,s:b,s:o,s:o}", "name", user->name, "role", role_word(user->role),
                     "disabled", user->is_disabled, "created", json_time(user->created_ms),
                     "password_changed", json_time(user->password_ms));
}

void person_answer(struct api_call *call, int r, const struct config_errors *errors,
                   const struct error *error, json_t *value)
{
    if (r == 0) {
        respond_json(call, value);
        return;
    }
    json_decref(value);
    if (errors->count == 0)
        problem_failed(call, error);
    else if (r == ERR_NOT_FOUND)
        problem(call, 404, "user.unknown", "%s", errors->items[0].text);
    else if (r == ERR_EXISTS)
        problem(call, 409, "user.exists", "%s %s", errors->items[0].pointer, errors->items[0].text);
    else
        problem_errors(call, "user.invalid", errors);
}

void person_hash(struct hash_job *job, const char *pointer, void (*then)(struct hash_job *job))
{
    struct config_errors errors;

    config_errors_init(&errors);
    bool is_fine = password_check(slice_str(job->password), pointer, &errors);
    if (!is_fine) {
        problem_errors(job->call, "user.invalid", &errors);
        hash_job_end(job);
    } else {
        job->is_verify = false;
        job->then = then;
        bool is_started = hash_job_start(job);
        (void)is_started; /* if not, it is answered */
    }
    config_errors_finish(&errors);
}

bool person_is_proved(struct api_call *call)
{
    if (call->principal.kind != PRINCIPAL_SESSION || call->principal.is_proved)
        return true;
    problem(call, 403, "auth.reauth",
            "this needs the password again: POST it to %s/session/reauth first", API_BASE);
    return false;
}

/* --- users --- */

void api_users(struct api_call *call)
{
    struct user *found;
    size_t count;
    struct error error;

    int r = users_list(call_store(call), call_arena(call), &found, &count, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(items, person_json(&found[i]));
    respond_json(call, json_pack("{s:o}", "items", items));
}

static void answer_user(struct api_call *call, struct slice name)
{
    struct user user;
    struct error error;

    int r = users_find(call_store(call), name, &user, &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "user.unknown", "there is no user `%.*s`", SLICE_ARGS(name));
    else if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, person_json(&user));
}

void api_user_read(struct api_call *call)
{
    answer_user(call, call->path_values[0]);
}

static void user_hashed(struct hash_job *job)
{
    struct api_call *call = job->call;
    const char *name = json_string_value(json_object_get(call->body, "name"));
    const char *role = json_string_value(json_object_get(call->body, "role"));
    struct config_errors errors;
    struct error error;

    config_errors_init(&errors);
    int r = users_create(call_store(call), call->api->settings.clock, slice_str(name),
                         role_find(slice_str(role)), job->hash, &errors, &error);
    if (r == 0)
        answer_user(call, slice_str(name));
    else
        person_answer(call, r, &errors, &error, NULL);
    config_errors_finish(&errors);
    hash_job_end(job);
}

void api_user_create(struct api_call *call)
{
    const char *name = call_text(call, "name", true, NAME_MAX_BYTES);
    const char *role = name == NULL ? NULL : call_text(call, "role", true, NAME_MAX_BYTES);

    if (role == NULL || !person_is_proved(call))
        return;
    call->audit = mem_arena_strndup(call_arena(call), name, strlen(name));
    struct hash_job *job = hash_job_create(call, "password", user_hashed);
    if (job != NULL)
        person_hash(job, "/password", user_hashed);
}

/* Role, state and, unless HASH is NULL, the password, in one transaction. 0, or what users.h says.
 */
static int update_user(struct api_call *call, const char *hash, struct config_errors *errors,
                       struct error *reterr)
{
    struct store *store = call_store(call);
    const json_t *role = json_object_get(call->body, "role");
    const json_t *disabled = json_object_get(call->body, "disabled");
    struct slice name = call->path_values[0];

    if (role != NULL && !json_is_string(role))
        config_errors_add(errors, "/role", "value.type", "must be a text");
    if (disabled != NULL && !json_is_boolean(disabled))
        config_errors_add(errors, "/disabled", "value.type", "must be true or false");
    if (errors->count > 0)
        return ERR_INVALID;
    if (role == NULL && disabled == NULL && hash == NULL)
        return 0;
    int r = store_begin(store, reterr);
    if (r < 0)
        return r;
    if (role != NULL)
        r = users_set_role(store, name, role_find(slice_str(json_string_value(role))), errors,
                           reterr);
    if (r == 0 && disabled != NULL)
        r = users_set_disabled(store, name, json_is_true(disabled), errors, reterr);
    if (r == 0 && hash != NULL)
        r = users_set_password(store, call->api->settings.clock, name, hash,
                               slice_str(call->principal.id), errors, reterr);
    return store_end(store, r, reterr);
}

static void new_password_hashed(struct hash_job *job)
{
    struct api_call *call = job->call;
    struct config_errors errors;
    struct error error;

    config_errors_init(&errors);
    int r = update_user(call, job->hash, &errors, &error);
    if (r == 0)
        answer_user(call, call->path_values[0]);
    else
        person_answer(call, r, &errors, &error, NULL);
    config_errors_finish(&errors);
    hash_job_end(job);
}

void api_user_update(struct api_call *call)
{
    struct config_errors errors;
    struct error error;

    if (!person_is_proved(call))
        return;
    if (json_object_get(call->body, "password") != NULL) {
        struct hash_job *job = hash_job_create(call, "password", new_password_hashed);
        if (job != NULL)
            person_hash(job, "/password", new_password_hashed);
        return;
    }
    config_errors_init(&errors);
    int r = update_user(call, NULL, &errors, &error);
    if (r == 0)
        answer_user(call, call->path_values[0]);
    else
        person_answer(call, r, &errors, &error, NULL);
    config_errors_finish(&errors);
}

void api_user_delete(struct api_call *call)
{
    struct config_errors errors;
    struct error error;

    if (!person_is_proved(call))
        return;
    config_errors_init(&errors);
    int r = users_delete(call_store(call), call->path_values[0], &errors, &error);
    person_answer(call, r, &errors, &error, NULL);
    config_errors_finish(&errors);
}

/* --- tokens --- */

static json_t *token_json(const struct token *token)
{
    json_t *scopes = json_array();

    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        if (token->scopes & 1U << i)
            (void)json_array_append_new(scopes, json_string(scope_word((enum scope)i)));
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "id", token->id, "name", token->name, "scopes",
                     scopes, "created", json_time(token->created_ms), "expires",
                     json_time(token->expires_ms), "used", json_time(token->used_ms));
}

void api_me_tokens(struct api_call *call)
{
    struct token *found = NULL;
    size_t count = 0;
    struct error error;
    int r = 0;

    if (call->principal.user[0] != '\0')
        r = tokens_list(call_store(call), slice_str(call->principal.user), call_arena(call), &found,
                        &count, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(items, token_json(&found[i]));
    respond_json(call, json_pack("{s:o}", "items", items));
}

static bool read_scopes(struct api_call *call, struct config_errors *errors, unsigned *ret_scopes)
{
    const json_t *list = json_object_get(call->body, "scopes");
    size_t count = json_array_size(list);
    struct slice *words = mem_arena_alloc(call_arena(call), (count + 1) * sizeof *words);

    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_array_get(list, i);
        words[i] = slice_of(json_is_string(word) ? json_string_value(word) : "",
                            json_is_string(word) ? json_string_length(word) : 0);
    }
    if (json_is_array(list))
        return token_scopes_read(words, count, "/scopes", errors, ret_scopes);
    config_errors_add(errors, "/scopes", "value.type", "must be a list of scopes");
    return false;
}

static bool read_days(struct api_call *call, struct config_errors *errors, int64_t *ret_expires_ms)
{
    const json_t *days = json_object_get(call->body, "days");
    json_int_t count = json_integer_value(days);

    *ret_expires_ms = 0;
    if (days == NULL)
        return true;
    if (json_is_integer(days) && count >= 1 && count <= TOKEN_DAYS_MAX) {
        *ret_expires_ms = clock_wall_ms(call->api->settings.clock) + count * DAY_S * 1000;
        return true;
    }
    config_errors_add(errors, "/days", "value.range", "must be 1 to %d", TOKEN_DAYS_MAX);
    return false;
}

/* Whose tokens: one's own. The local socket's principal is nobody's user. */
static bool has_user(struct api_call *call)
{
    if (call->principal.user[0] != '\0')
        return true;
    problem(call, 409, "token.no_user",
            "tokens belong to a user: log in as one, and make it in that session");
    return false;
}

void api_me_token_create(struct api_call *call)
{
    const char *name = call_text(call, "name", true, NAME_MAX_BYTES);
    char text[TOKEN_TEXT_LEN + 1];
    struct config_errors errors;
    struct error error;
    struct token token;
    unsigned scopes = 0;
    int64_t expires_ms = 0;

    if (name == NULL || !has_user(call) || !person_is_proved(call))
        return;
    if (call->principal.kind == PRINCIPAL_TOKEN) {
        problem(call, 403, "token.from_token", "a token cannot make tokens: log in");
        return;
    }
    call->audit = mem_arena_strndup(call_arena(call), name, strlen(name));
    config_errors_init(&errors);
    bool has_scopes = read_scopes(call, &errors, &scopes);
    int r = read_days(call, &errors, &expires_ms) && has_scopes ? 0 : ERR_INVALID;
    if (r == 0)
        r = tokens_create(call_store(call), call->api->settings.clock,
                          slice_str(call->principal.user), slice_str(name), scopes, expires_ms,
                          text, &token, &errors, &error);
    json_t *out = NULL;
    if (r == 0) {
        out = token_json(&token);
        json_put(out, "token", json_string(text));
        mem_wipe(text, sizeof text);
    }
    person_answer(call, r, &errors, &error, out);
    config_errors_finish(&errors);
}

void api_me_token_delete(struct api_call *call)
{
    struct error error;

    int r = tokens_revoke(call_store(call), slice_str(call->principal.user), call->path_values[0],
                          &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "token.unknown", "you have no token `%.*s`",
                SLICE_ARGS(call->path_values[0]));
    else if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, NULL);
}

/* --- the audit --- */

void api_audit(struct api_call *call)
{
    struct audit_filter filter = {.principal = call->params[API_PARAM_Q]};
    struct audit_row *rows;
    size_t count;
    uint64_t limit, next;
    struct error error;

    if (!call_number(call, API_PARAM_LIMIT, AUDIT_DEFAULT, AUDIT_LIST_MAX, &limit) ||
        !call_number(call, API_PARAM_CURSOR, 0, INT64_MAX, &filter.before))
        return;
    int r = audit_list(call_store(call), &filter, (size_t)limit, call_arena(call), &rows, &count,
                       &next, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct audit_row *row = &rows[i];
        json_t *out = json_object(), *detail = json_loadb(row->detail.p, row->detail.len, 0, NULL);
        json_put(out, "number", json_u64(row->number));
        json_put(out, "at", json_time(row->at_ms));
        json_put(out, "principal", json_slice(row->principal));
        json_put(out, "address", json_slice(row->address));
        json_put(out, "action", json_slice(row->action));
        json_put(out, "target", json_slice(row->target));
        json_put(out, "outcome", json_string(audit_outcome_word(row->outcome)));
        json_put(out, "detail", detail == NULL ? json_object() : detail);
        json_put(out, "request_id", json_slice(row->request));
        (void)json_array_append_new(items, out);
    }
    respond_json(
        call, json_pack("{s:o,s:o}", "items", items, "next",
                        next == 0 ? json_null() : json_sprintf("%llu", (unsigned long long)next)));
}
