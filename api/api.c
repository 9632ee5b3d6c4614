/* See api.h. A call lives from api_admit to the end of api_handle; it hangs on the exchange. */
#include "api/api.h"

#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/components.h"
#include "api/params.h"
#include "config/throttle.h"

enum { BODY_DEPTH_MAX = 32 };

struct entry {
    struct letter letter;
    struct api *api;
    struct api_exchange *exchange;
};

struct api *api_create(const struct api_settings *settings)
{
    struct api *api = MEM_NEW(struct api);

    api->settings = *settings;
    api->throttle = throttle_create();
    api->components = json_loadb(embed_components_json, embed_components_json_size, 0, NULL);
    ASSERT(api->components != NULL); /* it is JSON: openapi.c reads it too */
    return api;
}

void api_destroy(struct api *api)
{
    if (api == NULL)
        return;
    throttle_destroy(api->throttle);
    json_decref(api->components);
    free(api);
}

void api_tick(struct api *api)
{
    if (api->settings.feed != NULL)
        auth_end_streams(api);
}

/* --- admission --- */

static void answer_no_route(struct api_call *call, const struct api_route_match *match)
{
    struct buf allowed;

    if (match->allowed == 0) {
        problem(call, 404, "route.unknown", "there is nothing at this path; see %s/openapi.json",
                API_BASE);
        return;
    }
    buf_init(&allowed, 0);
    for (unsigned i = 0; i < API_METHOD_OTHER; i++)
        if (match->allowed & 1U << i)
            (void)buf_printf(&allowed, "%s%s", buf_len(&allowed) == 0 ? "" : ", ",
                             api_method_word((enum api_method)i));
    api_exchange_reply_field(call->exchange, "Allow", buf_slice(&allowed));
    problem(call, 405, "method.not_allowed", "this path takes %s", buf_cstr(&allowed));
    buf_finish(&allowed);
}

static const char *taken_params(struct api_call *call)
{
    struct buf list;

    buf_init(&list, 0);
    for (unsigned i = 0; i < API_PARAM_COUNT; i++)
        if (call->route->params & 1U << i)
            (void)buf_printf(&list, "%s%s", buf_len(&list) == 0 ? "" : ", ",
                             api_param_infos[i].name);
    if (buf_len(&list) == 0)
        (void)buf_append_str(&list, "none");
    const char *text = mem_arena_strndup(call_arena(call), buf_cstr(&list), buf_len(&list));
    buf_finish(&list);
    return text;
}

static bool read_query(struct api_call *call)
{
    struct slice name;

    switch (query_parse(call->exchange->query, call->route->params, call_arena(call), call->params,
                        &name)) {
    case QUERY_OK:
        return params_check(call);
    case QUERY_SYNTAX:
        problem(call, 400, "query.syntax", "the query cannot be decoded");
        break;
    case QUERY_UNKNOWN:
        problem(call, 400, "query.unknown", "no parameter `%.*s` here; this path takes: %s",
                SLICE_ARGS(name), taken_params(call));
        break;
    case QUERY_TWICE:
        problem(call, 400, "query.twice", "parameter `%.*s` is given twice", SLICE_ARGS(name));
        break;
    }
    return false;
}

static bool is_type(struct slice field, const char *type)
{
    struct slice media = slice_trim(slice_cut(&field, ';'));

    return slice_eq_nocase(media, slice_str(type));
}

static bool check_media_type(struct api_call *call)
{
    struct slice type = api_exchange_field(call->exchange, "Content-Type");
    bool is_patch = is_type(type, "application/merge-patch+json");
    bool is_json = is_type(type, "application/json");

    switch (call->route->body) {
    case API_BODY_NONE:
        return true;
    case API_BODY_JSON:
    case API_BODY_DOCUMENT:
        if (is_json)
            return true;
        problem(call, 415, "body.media_type", "the body must be application/json");
        return false;
    case API_BODY_PATCH:
        if (is_patch || is_json)
            return true;
        problem(call, 415, "body.media_type",
                "the body must be application/merge-patch+json (RFC 7396)");
        return false;
    }
    return false;
}

static void admit(struct api *api, struct api_exchange *exchange)
{
    struct api_call *call = mem_arena_alloc(&exchange->arena, sizeof(*call));
    struct api_route_match match;

    *call = (struct api_call){.api = api, .exchange = exchange};
    exchange->api_state = call;
    api_route_find(exchange->method, exchange->path, &exchange->arena, &match);
    if (match.route == NULL) {
        answer_no_route(call, &match);
        return;
    }
    call->route = match.route;
    memcpy(call->path_values, match.values, sizeof(call->path_values));
    if (!auth_identify(call) || !auth_permit(call))
        return;
    if (!read_query(call) || !check_media_type(call))
        return;
    exchange->body_max = match.route->body == API_BODY_NONE       ? 0
                         : match.route->body == API_BODY_DOCUMENT ? API_DOCUMENT_MAX
                                                                  : API_BODY_MAX;
    exchange->status = 0;
    exchange->done(exchange);
}

/* --- handling --- */

/* The deepest nesting of brackets outside strings. Jansson's own limit is 2,048. */
static size_t json_depth(struct slice text)
{
    size_t depth = 0, deepest = 0;
    bool is_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (is_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_string = false;
        } else if (c == '"') {
            is_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

static bool read_body(struct api_call *call)
{
    struct slice text = call->exchange->body;
    json_error_t error;

    if (call->route->body == API_BODY_NONE)
        return true;
    if (json_depth(text) > BODY_DEPTH_MAX) {
        problem(call, 400, "json.depth", "the body is nested more than %d deep", BODY_DEPTH_MAX);
        return false;
    }
    call->body = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    if (call->body == NULL) {
        problem(call, 400, "json.syntax", "the body is no JSON: line %d, column %d: %s", error.line,
                error.column, error.text);
        return false;
    }
    return true;
}

void call_finished(struct api_call *call)
{
    audit_call(call);
    json_decref(call->body);
    call->body = NULL;
}

/* An error about a member of the body, whose name is the client's. */
static void add_member(struct config_errors *errors, const char *name, const char *code,
                       const char *text)
{
    struct buf pointer;

    buf_init(&pointer, 0);
    config_pointer_append(&pointer, slice_str(name));
    config_errors_add(errors, buf_cstr(&pointer), code, "%s", text);
    buf_finish(&pointer);
}

static void check_members(const json_t *body, const json_t *schema, struct config_errors *errors)
{
    const json_t *known = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");

    for (void *it = json_object_iter((json_t *)(size_t)body); it != NULL;
         it = json_object_iter_next((json_t *)(size_t)body, it)) {
        const char *key = json_object_iter_key(it);
        if (json_object_get(known, key) == NULL)
            add_member(errors, key, "key.unknown", "is not known here");
    }
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *key = json_string_value(json_array_get(required, i));
        if (json_object_get(body, key) == NULL)
            add_member(errors, key, "key.missing", "is missing");
    }
}

/* The members of the body, as the route's schema has them; their values are the handler's to check.
 * A section's own object is checked by its rows instead. */
static bool check_body(struct api_call *call)
{
    const json_t *schema = json_object_get(call->api->components, call->route->request);
    struct config_errors errors;

    if (!json_is_object(json_object_get(schema, "properties")))
        return true;
    if (!json_is_object(call->body)) {
        problem_member(call, "", "value.type", NULL, "must be an object");
        return false;
    }
    config_errors_init(&errors);
    check_members(call->body, schema, &errors);
    bool is_fine = errors.count == 0;
    if (!is_fine)
        problem_errors(call, "body.invalid", &errors);
    config_errors_finish(&errors);
    return is_fine;
}

static void run_admit(struct letter *letter)
{
    struct entry *entry = CONTAINER_OF(letter, struct entry, letter);

    admit(entry->api, entry->exchange);
    free(entry);
}

static void handle(void *owner)
{
    struct api_call *call = owner;

    call->route->handle(call);
}

static void run_handle(struct letter *letter)
{
    struct entry *entry = CONTAINER_OF(letter, struct entry, letter);
    struct api_call *call = entry->exchange->api_state;

    free(entry);
    if (read_body(call) && check_body(call))
        audit_run(call, handle, call);
}

static void post(struct api *api, struct api_exchange *exchange, void (*run)(struct letter *letter))
{
    struct entry *entry = MEM_NEW(struct entry);

    *entry = (struct entry){.letter.run = run, .api = api, .exchange = exchange};
    if (mailbox_post(api->settings.main, &entry->letter))
        return;
    free(entry); /* the process ends */
    exchange->status = 503;
    exchange->done(exchange);
}

void api_admit(struct api *api, struct api_exchange *exchange)
{
    post(api, exchange, run_admit);
}

void api_handle(struct api *api, struct api_exchange *exchange)
{
    post(api, exchange, run_handle);
}
