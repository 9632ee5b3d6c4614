/* Answers of a call: see call.h. */
#include "api/call_priv.h"
#include "api/json.h"

void call_done(struct api_call *call)
{
    struct api_exchange *exchange = call->exchange;

    ASSERT(!call->is_answered);
    call->is_answered = true;
    call_finished(call);
    exchange->done(exchange);
}

void respond_status(struct api_call *call, unsigned status, json_t *value)
{
    struct api_exchange *exchange = call->exchange;

    exchange->status = status;
    if (value != NULL) {
        char *text = json_dumps(value, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_ENCODE_ANY);
        exchange->content_type = "application/json";
        (void)buf_append_str(&exchange->reply, text);
        (void)buf_append_char(&exchange->reply, '\n');
        free(text);
        json_decref(value);
    }
    call_done(call);
}

void respond_json(struct api_call *call, json_t *value)
{
    respond_status(call, call->route->status, value);
}

void respond_bytes(struct api_call *call, const char *type, struct slice bytes)
{
    struct api_exchange *exchange = call->exchange;

    exchange->status = call->route->status;
    exchange->content_type = type;
    (void)buf_append_slice(&exchange->reply, bytes);
    call_done(call);
}

void respond_stream(struct api_call *call, unsigned topics)
{
    call->exchange->status = call->route->status;
    call->exchange->content_type = "text/event-stream";
    call->exchange->stream_topics = topics;
    auth_holder(&call->principal, &call->exchange->stream_holder);
    call_done(call);
}

/* --- problems --- */

static const char *status_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad request"},       {401, "Not authenticated"},  {403, "Not permitted"},
        {404, "Not found"},         {405, "Method not allowed"}, {409, "Conflict"},
        {412, "Changed meanwhile"}, {413, "Too large"},          {415, "Unsupported media type"},
        {422, "Not valid"},         {428, "If-Match is needed"}, {429, "Too many attempts"},
        {500, "Internal error"},    {503, "Not available"},
    };

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

static json_t *make_problem(const struct api_call *call, unsigned status, const char *code,
                            const char *detail)
{
    char type[128];

    (void)snprintf(type, sizeof(type), API_BASE "/problems/%s", code);
    return json_pack("{s:s,s:s,s:i,s:o,s:s,s:{},s:s}", "type", type, "title", status_title(status),
                     "status", (int)status, "detail", json_slice(slice_str(detail)), "code", code,
                     "params", "request_id", call->exchange->request_id);
}

static void answer_problem(struct api_call *call, unsigned status, json_t *value)
{
    struct api_exchange *exchange = call->exchange;
    const char *code = json_string_value(json_object_get(value, "code"));

    call->problem = mem_arena_strndup(call_arena(call), code, strlen(code));
    buf_clear(&exchange->reply, 0);
    char *text = json_dumps(value, JSON_SORT_KEYS | JSON_INDENT(2));
    exchange->status = status;
    exchange->content_type = "application/problem+json";
    (void)buf_append_str(&exchange->reply, text);
    (void)buf_append_char(&exchange->reply, '\n');
    free(text);
    json_decref(value);
    call_done(call);
}

static char *text_of(struct api_call *call, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static char *text_of(struct api_call *call, const char *fmt, va_list args)
{
    struct buf text;

    buf_init(&text, 0);
    (void)buf_vprintf(&text, fmt, args);
    char *copy = mem_arena_strndup(call_arena(call), buf_cstr(&text), buf_len(&text));
    buf_finish(&text);
    return copy;
}

void problem(struct api_call *call, unsigned status, const char *code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *detail = text_of(call, fmt, args);
    va_end(args);
    answer_problem(call, status, make_problem(call, status, code, detail));
}

void problem_with(struct api_call *call, unsigned status, const char *code, const char *name,
                  json_t *value, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const char *detail = text_of(call, fmt, args);
    va_end(args);
    json_t *object = make_problem(call, status, code, detail);
    json_put(json_object_get(object, "params"), name, value);
    answer_problem(call, status, object);
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL)
        json_put(object, key, json_slice(slice_str(text)));
}

/* What the GUI puts into its own words. */
static json_t *error_params(const struct config_error_params *params)
{
    json_t *out = json_object();

    put_text(out, "got", params->got);
    put_text(out, "nearest", params->nearest);
    if (params->allowed_count > 0) {
        json_t *words = json_array();
        for (size_t i = 0; i < params->allowed_count; i++)
            (void)json_array_append_new(words, json_string(params->allowed[i]));
        json_put(out, "allowed", words);
    }
    if (params->has_range) {
        json_put(out, "min", json_u64(params->min));
        json_put(out, "max", json_u64(params->max));
    }
    return out;
}

json_t *problem_error_list(const struct config_errors *errors)
{
    json_t *list = json_array();

    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *e = &errors->items[i];
        json_t *error = json_object(), *params = error_params(&e->params);
        put_text(error, "pointer", e->pointer);
        put_text(error, "code", e->code);
        put_text(error, "detail", e->text);
        if (json_object_size(params) > 0)
            json_put(error, "params", json_incref(params));
        json_decref(params);
        (void)json_array_append_new(list, error);
    }
    return list;
}

static void answer_errors(struct api_call *call, unsigned status, const char *code,
                          const struct config_errors *errors)
{
    size_t count = errors->count + errors->dropped;
    const struct config_error *first = errors->count > 0 ? &errors->items[0] : NULL;
    char *detail = mem_printf("%zu %s: %s%s%s", count, count == 1 ? "error" : "errors",
                              first == NULL ? "" : first->pointer,
                              first == NULL || first->pointer[0] == '\0' ? "" : ": ",
                              first == NULL ? "no text" : first->text);
    json_t *object = make_problem(call, status, code, detail);

    json_put(object, "errors", problem_error_list(errors));
    free(detail);
    answer_problem(call, status, object);
}

void problem_errors(struct api_call *call, const char *code, const struct config_errors *errors)
{
    answer_errors(call, 422, code, errors);
}

void problem_exists(struct api_call *call, const char *code, const struct config_errors *errors)
{
    answer_errors(call, 409, code, errors);
}

void problem_member(struct api_call *call, const char *pointer, const char *code,
                    const struct config_error_params *params, const char *fmt, ...)
{
    struct config_errors errors;
    va_list args;

    va_start(args, fmt);
    const char *text = text_of(call, fmt, args);
    va_end(args);
    config_errors_init(&errors);
    config_errors_add(&errors, pointer, code, "%s", text);
    if (params != NULL)
        errors.items[0].params = *params;
    problem_errors(call, "body.invalid", &errors);
    config_errors_finish(&errors);
}

void problem_failed(struct api_call *call, const struct error *error)
{
    bool is_temporary =
        error->code == ERR_BUSY || error->code == ERR_FULL || error->code == ERR_TIMEOUT;

    log_error("api: %s %s: %s", api_method_word(call->exchange->method), call->route->path,
              error->text);
    if (is_temporary)
        problem(call, 503, "unavailable", "%s; try again later", error->text);
    else
        problem(call, 500, "internal", "%s", error->text);
}
