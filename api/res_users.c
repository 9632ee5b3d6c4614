/* Administrators. At once, never staged. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/person.h"

enum { NAME_MAX_BYTES = 256 };

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
        problem_exists(call, "user.exists", errors);
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

bool person_find(struct api_call *call, struct slice name, struct user *ret_user)
{
    struct error error;

    int r = users_find(call_store(call), name, ret_user, &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "user.unknown", "there is no user `%.*s`", SLICE_ARGS(name));
    else if (r < 0)
        problem_failed(call, &error);
    return r == 0;
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

    if (person_find(call, name, &user))
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
