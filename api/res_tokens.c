/* API tokens: one's own, and those of others for who may write users. At once, never staged.
 *
 * A user's token has at most the rights of that user's role, whoever made it; the audit says who
 * did. A token makes no tokens, under no name: who revokes it wants to be rid of all it left. */
#include "api/api_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/person.h"
#include "config/tokens.h"

enum { NAME_MAX_BYTES = 256, DAY_MS = 86400000, DAYS_MAX = TOKEN_EXPIRES_MAX_MS / DAY_MS };

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

/* USER: a name, or empty for nobody's. */
static void answer_tokens(struct api_call *call, struct slice user)
{
    struct token *found = NULL;
    size_t count = 0;
    struct error error;
    int r = 0;

    if (user.len > 0)
        r = tokens_list(call_store(call), user, call_arena(call), &found, &count, &error);
    if (r < 0) {
        problem_failed(call, &error);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(items, token_json(&found[i]));
    respond_json(call, json_pack("{s:o}", "items", items));
}

/* --- making --- */

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
    if (json_is_integer(days) && count >= 1 && count <= DAYS_MAX) {
        *ret_expires_ms = clock_wall_ms(call->api->settings.clock) + count * DAY_MS;
        return true;
    }
    config_errors_add(errors, "/days", "value.range", "must be 1 to %d", DAYS_MAX);
    return false;
}

/* What a session may make, and the local socket in another's name. */
static bool is_maker(struct api_call *call)
{
    if (!person_is_proved(call))
        return false;
    if (call->principal.kind != PRINCIPAL_TOKEN)
        return true;
    problem(call, 403, "token.from_token", "a token cannot make tokens: log in");
    return false;
}

static void make_token(struct api_call *call, struct slice user, const char *name)
{
    char text[TOKEN_TEXT_LEN + 1];
    struct config_errors errors;
    struct error error;
    struct token token;
    unsigned scopes = 0;
    int64_t expires_ms = 0;

    config_errors_init(&errors);
    bool has_scopes = read_scopes(call, &errors, &scopes);
    int r = read_days(call, &errors, &expires_ms) && has_scopes ? 0 : ERR_INVALID;
    if (r == 0)
        r = tokens_create(call_store(call), call->api->settings.clock, user, slice_str(name),
                          scopes, expires_ms, text, &token, &errors, &error);
    json_t *out = NULL;
    if (r == 0) {
        out = token_json(&token);
        json_put(out, "token", json_string(text));
        mem_wipe(text, sizeof text);
    }
    person_answer(call, r, &errors, &error, out);
    config_errors_finish(&errors);
}

/* --- revoking --- */

/* WHO: whose there is none of, in the words of the answer. */
static void revoke_token(struct api_call *call, struct slice user, struct slice name,
                         const char *who)
{
    struct error error;

    int r = tokens_revoke(call_store(call), user, name, &error);
    if (r == ERR_NOT_FOUND)
        problem(call, 404, "token.unknown", "%s no token `%.*s`", who, SLICE_ARGS(name));
    else if (r < 0)
        problem_failed(call, &error);
    else
        respond_json(call, NULL);
}

/* --- one's own --- */

/* The local socket's principal is nobody's user. */
static bool has_user(struct api_call *call)
{
    if (call->principal.user[0] != '\0')
        return true;
    problem(call, 409, "token.no_user",
            "tokens belong to a user: log in as one, or make it at %s/users/{name}/tokens",
            API_BASE);
    return false;
}

void api_me_tokens(struct api_call *call)
{
    answer_tokens(call, slice_str(call->principal.user));
}

void api_me_token_create(struct api_call *call)
{
    const char *name = call_text(call, "name", true, NAME_MAX_BYTES);

    if (name == NULL || !has_user(call) || !is_maker(call))
        return;
    call->audit = mem_arena_strndup(call_arena(call), name, strlen(name));
    make_token(call, slice_str(call->principal.user), name);
}

void api_me_token_delete(struct api_call *call)
{
    revoke_token(call, slice_str(call->principal.user), call->path_values[0], "you have");
}

/* --- another's --- */

void api_user_tokens(struct api_call *call)
{
    struct user user;

    if (person_find(call, call->path_values[0], &user))
        answer_tokens(call, slice_str(user.name));
}

/* A disabled user's token rests until the user is enabled. */
void api_user_token_create(struct api_call *call)
{
    const char *name = call_text(call, "name", true, NAME_MAX_BYTES);
    struct user user;
    struct buf target;

    if (name == NULL || !is_maker(call) || !person_find(call, call->path_values[0], &user))
        return;
    buf_init(&target, 0);
    (void)buf_printf(&target, "%s!%s", user.name, name); /* as the token will be named itself */
    call->audit = mem_arena_strndup(call_arena(call), buf_cstr(&target), buf_len(&target));
    buf_finish(&target);
    make_token(call, slice_str(user.name), name);
}

void api_user_token_delete(struct api_call *call)
{
    char who[USER_NAME_MAX + sizeof "`` has"];
    struct user user;

    if (!person_is_proved(call) || !person_find(call, call->path_values[0], &user))
        return;
    (void)snprintf(who, sizeof who, "`%s` has", user.name);
    revoke_token(call, slice_str(user.name), call->path_values[1], who);
}
