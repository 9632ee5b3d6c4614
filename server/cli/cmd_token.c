/* token …: the API tokens of users, for whoever may use the local socket. */
#include "cli/cli_priv.h"
#include "cli/text.h"

enum { DAYS_MAX = 1000000 }; /* far over what the API takes, which says what that is */

/* clang-format off */
static const struct cli_column token_columns[] = {
    {"TOKEN", "name"}, {"SCOPES", "scopes"}, {"CREATED", "created"}, {"EXPIRES", "expires"}, {"USED", "used"},
};
/* clang-format on */

/* --user, or whoever is the only user. Empty: told why not. */
static void find_user(struct cli *cli, struct buf *user)
{
    if (cli_has(cli, CLI_OPTION_USER)) {
        (void)buf_append_str(user, cli->options[CLI_OPTION_USER]);
        if (buf_len(user) == 0)
            cli_usage_error(cli, "needs a name behind --user");
        return;
    }
    const json_t *answer = cli_call(cli, &(struct cli_request){.route = CLI_ROUTE_users});
    if (answer == NULL)
        return;
    const json_t *items = json_object_get(answer, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        (void)buf_printf(user, "%s%s", i == 0 ? "" : ", ",
                         cli_text(json_array_get(items, i), "name"));
    if (json_array_size(items) == 1)
        return;
    if (buf_len(user) == 0)
        cli_refuse(cli, "there is no administrator yet");
    else
        cli_refuse(cli, "say whose, with --user: %s", buf_cstr(user));
    buf_clear(user, 0);
}

void cli_token_list(struct cli *cli)
{
    struct buf user;

    buf_init(&user, 0);
    find_user(cli, &user);
    if (buf_len(&user) > 0) {
        const struct cli_request request = {.route = cli->command->route,
                                            .values = {buf_cstr(&user)}};
        const json_t *answer = cli_call(cli, &request);
        if (answer != NULL && !cli_prints_json(cli))
            cli_table_of(json_object_get(answer, "items"), token_columns, ARRAY_LEN(token_columns),
                         cli->width, &cli->out);
    }
    buf_finish(&user);
}

/* --- making --- */

/* NULL: the line is wrong, which is told. */
static json_t *token_body(struct cli *cli)
{
    struct slice days = slice_str(cli->options[CLI_OPTION_DAYS]);
    unsigned long long count = 0;
    size_t at = 0;

    if (!cli_has(cli, CLI_OPTION_SCOPE)) {
        cli_usage_error(cli, "needs --scope, once for each thing that the token may do");
        return NULL;
    }
    if (cli_has(cli, CLI_OPTION_DAYS) && !slice_to_u64(days, DAYS_MAX, &count)) {
        cli_usage_error(cli, "needs a number behind --days, not `%.*s`", SLICE_ARGS(days));
        return NULL;
    }
    json_t *scopes = json_array();
    for (const char *scope = cli_option_next(cli, CLI_OPTION_SCOPE, &at); scope != NULL;
         scope = cli_option_next(cli, CLI_OPTION_SCOPE, &at))
        (void)json_array_append_new(scopes, json_string(scope));
    json_t *body = json_pack("{s:s,s:o}", "name", cli_arg(cli, 0), "scopes", scopes);
    if (cli_has(cli, CLI_OPTION_DAYS))
        (void)json_object_set_new(body, "days", json_integer((json_int_t)count));
    return body;
}

/* The token alone on standard output, so that a script can keep it. */
static void show_made(struct cli *cli, const json_t *made)
{
    cli_text_show(&cli->out, slice_str(cli_text(made, "token")));
    (void)buf_append_char(&cli->out, '\n');
    cli_note(cli, "this is the token; it is shown once");
}

void cli_token_create(struct cli *cli)
{
    json_t *body = token_body(cli);
    struct buf user;

    if (body == NULL)
        return;
    buf_init(&user, 0);
    find_user(cli, &user);
    if (buf_len(&user) > 0) {
        const struct cli_request request = {
            .route = cli->command->route, .values = {buf_cstr(&user)}, .body = body};
        const json_t *made = cli_call(cli, &request);
        if (made != NULL && !cli_prints_json(cli))
            show_made(cli, made);
    }
    buf_finish(&user);
    json_decref(body);
}

void cli_token_revoke(struct cli *cli)
{
    struct buf user;

    buf_init(&user, 0);
    find_user(cli, &user);
    if (buf_len(&user) > 0) {
        const struct cli_request request = {.route = cli->command->route,
                                            .values = {buf_cstr(&user), cli_arg(cli, 0)}};
        if (cli_call(cli, &request) != NULL && !cli_prints_json(cli))
            (void)buf_append_str(&cli->out, "revoked\n");
    }
    buf_finish(&user);
}
