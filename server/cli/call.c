/* Requests of the API and what it answers: paths and queries, problems in words. */
#include "cli/cli_priv.h"
#include "cli/text.h"

struct route_info {
    const char *method, *path;
};

/* clang-format off */
static const struct route_info routes[CLI_ROUTE_COUNT] = {
#define CLI_ROUTE(id, method_, path_) {.method = #method_, .path = (path_)},
#include "cli/routes.def"
#undef CLI_ROUTE
};
/* clang-format on */

const char *cli_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* --- the request --- */

/* RFC 3986 2.3: unreserved characters stay. */
static void encode(struct slice text, struct buf *out)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\0' && strchr(kept, text.p[i]) != NULL)
            (void)buf_append_char(out, text.p[i]);
        else
            (void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
    }
}

void cli_target(const struct cli_request *request, struct buf *out)
{
    struct slice path = slice_str(routes[request->route].path);
    size_t value = 0, param = 0;

    while (path.len > 0) {
        (void)buf_append_slice(out, slice_cut(&path, '{'));
        if (slice_cut(&path, '}').len == 0)
            break;
        ASSERT(value < CLI_VALUES_MAX && request->values[value] != NULL);
        encode(slice_str(request->values[value++]), out);
    }
    for (size_t i = 0; i < CLI_PARAMS_MAX; i++) {
        if (request->params[i].value == NULL)
            continue;
        (void)buf_printf(out, "%c%s=", param++ == 0 ? '?' : '&', request->params[i].name);
        encode(slice_str(request->params[i].value), out);
    }
}

/* --- the answer --- */

static void conflict_text(const json_t *conflict, struct buf *out)
{
    static const char *const sides[] = {"base", "theirs", "mine"};

    (void)buf_printf(out, "\n  %s %s%s%s%s:", cli_text(conflict, "section"),
                     cli_text(conflict, "listener"),
                     cli_text(conflict, "listener")[0] == '\0' ? "" : " ",
                     cli_text(conflict, "key"), cli_text(conflict, "pointer"));
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        (void)buf_printf(out, "%s %s `", i == 0 ? "" : ",", sides[i]);
        cli_value_text(json_object_get(conflict, sides[i]), out);
        (void)buf_append_char(out, '`');
    }
}

void cli_conflicts_text(const json_t *conflicts, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(conflicts); i++)
        conflict_text(json_array_get(conflicts, i), out);
}

void cli_problem_text(const json_t *problem, struct buf *out)
{
    const json_t *errors = json_object_get(problem, "errors");
    const json_t *params = json_object_get(problem, "params");
    struct slice detail = slice_str(cli_text(problem, "detail"));
    bool has_list = json_array_size(errors) > 1;

    if (detail.len == 0)
        detail = slice_str(cli_text(problem, "title"));
    if (has_list) /* `3 errors: ` and the first of them */
        detail = slice_cut(&detail, ':');
    (void)buf_append_slice(out, detail);
    for (size_t i = 0; has_list && i < json_array_size(errors); i++) {
        const json_t *error = json_array_get(errors, i);
        (void)buf_printf(out, "\n  %s: %s", cli_text(error, "pointer"), cli_text(error, "detail"));
    }
    cli_conflicts_text(json_object_get(params, "conflicts"), out);
}

/* False: what was answered is no JSON. */
static bool read_json(struct cli *cli)
{
    struct slice body = buf_slice(&cli->last.body);

    json_decref(cli->json);
    cli->json = body.len == 0
                    ? json_null()
                    : json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    return cli->json != NULL;
}

static void tell_problem(struct cli *cli)
{
    struct buf text;

    if (buf_len(&cli->last.body) > 0 && cli_prints_json(cli)) {
        cli->exit_code = CLI_EXIT_REFUSED;
        return;
    }
    buf_init(&text, 0);
    cli_problem_text(cli->json, &text);
    if (buf_len(&text) > 0)
        cli_refuse(cli, "%s", buf_cstr(&text));
    else
        cli_refuse(cli, "the gateway answered with status %u", cli->last.status);
    buf_finish(&text);
}

static bool exchange(struct cli *cli, const struct cli_request *request)
{
    const struct route_info *route = &routes[request->route];
    bool is_patch = strcmp(route->method, "PATCH") == 0;
    struct buf target;
    struct error error;
    char *body =
        request->body == NULL ? NULL : json_dumps(request->body, JSON_COMPACT | JSON_ENCODE_ANY);

    buf_init(&target, 0);
    (void)buf_append_str(&target, CLI_API_BASE);
    cli_target(request, &target);
    cli_answer_finish(&cli->last);
    cli_answer_init(&cli->last, CLI_BODY_MAX);
    const struct cli_http_request http = {
        .method = route->method,
        .target = buf_cstr(&target),
        .type = body == NULL ? NULL
                : is_patch   ? "application/merge-patch+json"
                             : "application/json",
        .body = slice_str(body),
    };
    int r = cli_http_exchange(&cli->http, &http, &cli->last, &error);
    if (r < 0)
        cli_refuse(cli, "%s", error.text);
    free(body);
    buf_finish(&target);
    return r == 0;
}

const json_t *cli_call(struct cli *cli, const struct cli_request *request)
{
    if (!exchange(cli, request))
        return NULL;
    bool is_json = read_json(cli);
    if (request->tolerated != 0 && cli->last.status == request->tolerated)
        return NULL;
    if (cli->last.status >= 300) {
        tell_problem(cli);
        return NULL;
    }
    if (!is_json)
        cli_refuse(cli, "the gateway's answer is no JSON");
    return cli->json;
}

bool cli_prints_json(struct cli *cli)
{
    if (!cli_has(cli, CLI_OPTION_JSON))
        return false;
    (void)buf_append_slice(&cli->out, buf_slice(&cli->last.body));
    return true;
}

void cli_note_next(struct cli *cli)
{
    const char *next = cli_text(cli->json, "next");

    if (next[0] != '\0')
        cli_note(cli, "there is more: --cursor '%s'", next);
}
