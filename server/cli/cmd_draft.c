/* config diff, commit, discard, rebase, history, restore: one's own draft, and revisions. */
#include <stdint.h>

#include "cli/cli_priv.h"
#include "cli/text.h"

#define DRAFT_ME "me"

/* --- diffs in words --- */

/* One line, cut at the width of the terminal: a chain of certificates is long. */
static void append_line(struct cli *cli, struct slice text)
{
    struct buf shown;

    buf_init(&shown, 0);
    cli_text_show(&shown, text);
    struct slice line = buf_slice(&shown);
    bool is_cut = cli->width > 0 && cli_text_width(line) > cli->width;
    if (is_cut)
        line.len = cli_text_fit(line, cli->width - 1);
    (void)buf_printf(&cli->out, "%.*s%s\n", SLICE_ARGS(line), is_cut ? "…" : "");
    buf_finish(&shown);
}

static void append_value(struct buf *line, const json_t *value)
{
    size_t before = buf_len(line);

    cli_value_text(value, line);
    if (buf_len(line) == before)
        (void)buf_append_str(line, "(empty)");
}

static void show_field(struct cli *cli, const json_t *field)
{
    const char *pointer = cli_text(field, "pointer");
    const json_t *old = json_object_get(field, "old"), *new = json_object_get(field, "new");
    struct buf line;

    buf_init(&line, 0);
    (void)buf_printf(&line, "    %s: ", pointer[0] == '/' ? pointer + 1 : cli_text(field, "label"));
    if (!json_is_null(old)) {
        append_value(&line, old);
        (void)buf_append_str(&line, " -> ");
    }
    append_value(&line, new);
    append_line(cli, buf_slice(&line));
    buf_finish(&line);
}

void cli_show_diff(struct cli *cli, const json_t *items)
{
    struct buf line;

    buf_init(&line, 0);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i), *fields = json_object_get(item, "fields");
        const char *listener = cli_text(item, "listener"), *key = cli_text(item, "key");
        bool is_removed = strcmp(cli_text(item, "op"), "remove") == 0;
        buf_clear(&line, 4096);
        (void)buf_printf(&line, "%s %s%s%s%s%s", cli_text(item, "op"), cli_text(item, "section"),
                         key[0] == '\0' ? "" : " ", key, listener[0] == '\0' ? "" : " of ",
                         listener);
        append_line(cli, buf_slice(&line));
        for (size_t j = 0; !is_removed && j < json_array_size(fields); j++)
            show_field(cli, json_array_get(fields, j));
    }
    buf_finish(&line);
}

static void show_conflicts(struct cli *cli, const json_t *diff)
{
    struct buf text;

    if (json_array_size(json_object_get(diff, "conflicts")) == 0)
        return;
    buf_init(&text, 0);
    (void)buf_append_str(&text, "others changed the same meanwhile; `postern config rebase --take "
                                "mine` or `--take theirs` settles it:");
    cli_conflicts_text(json_object_get(diff, "conflicts"), &text);
    cli_note(cli, "%s", buf_cstr(&text));
    buf_finish(&text);
}

/* --- the draft --- */

static const json_t *read_diff(struct cli *cli)
{
    return cli_call(cli,
                    &(struct cli_request){.route = CLI_ROUTE_draft_diff, .values = {DRAFT_ME}});
}

static void show_draft(struct cli *cli, const json_t *diff)
{
    if (diff == NULL || cli_prints_json(cli))
        return;
    if (json_array_size(json_object_get(diff, "items")) == 0)
        (void)buf_append_str(&cli->out, "no change\n");
    cli_show_diff(cli, json_object_get(diff, "items"));
    show_conflicts(cli, diff);
}

void cli_show_staged(struct cli *cli, const json_t *diff)
{
    show_draft(cli, diff);
    if (diff != NULL && !cli_has(cli, CLI_OPTION_JSON) &&
        json_array_size(json_object_get(diff, "items")) > 0)
        (void)buf_append_str(&cli->out, "in your draft; `postern commit` makes it live\n");
}

void cli_config_diff(struct cli *cli)
{
    show_draft(cli, read_diff(cli));
}

void cli_config_commit(struct cli *cli)
{
    const char *comment = cli->options[CLI_OPTION_COMMENT];
    json_t *body = json_object();

    if (comment != NULL)
        (void)json_object_set_new(body, "comment", json_string(comment));
    const json_t *done = cli_call(
        cli,
        &(struct cli_request){.route = cli->command->route, .values = {DRAFT_ME}, .body = body});
    json_decref(body);
    if (done == NULL || cli_prints_json(cli))
        return;
    cli_show_diff(cli, json_object_get(done, "items"));
    json_int_t revision = json_integer_value(json_object_get(done, "revision"));
    if (json_is_true(json_object_get(done, "changed")))
        (void)buf_printf(&cli->out, "revision %lld is live, after %lld ms\n", (long long)revision,
                         (long long)json_integer_value(json_object_get(done, "took_ms")));
    else
        (void)buf_printf(&cli->out, "no change: revision %lld stays\n", (long long)revision);
}

/* How many items are staged; SIZE_MAX: it could not be asked. */
static size_t staged_count(struct cli *cli)
{
    const json_t *draft =
        cli_call(cli, &(struct cli_request){.route = CLI_ROUTE_draft_read, .values = {DRAFT_ME}});

    return draft == NULL ? SIZE_MAX : (size_t)json_integer_value(json_object_get(draft, "items"));
}

static void discard_all(struct cli *cli)
{
    const struct cli_request request = {.route = CLI_ROUTE_draft_delete, .values = {DRAFT_ME}};
    size_t count = staged_count(cli);

    if (count == SIZE_MAX || cli_call(cli, &request) == NULL || cli_prints_json(cli))
        return;
    (void)buf_printf(&cli->out, "%zu change%s dropped\n", count, count == 1 ? "" : "s");
}

/* Without a key it is a section of one object, or the order of a listener's entries. */
static void discard_one(struct cli *cli)
{
    const char *key = cli_arg(cli, 1), *listener = cli->options[CLI_OPTION_LISTENER];
    json_t *item = json_pack("{s:s}", "section", cli_arg(cli, 0));

    if (key != NULL)
        (void)json_object_set_new(item, "key", json_string(key));
    if (listener != NULL)
        (void)json_object_set_new(item, "listener", json_string(listener));
    if (listener != NULL && key == NULL)
        (void)json_object_set_new(item, "order", json_true());
    const json_t *done =
        cli_call(cli, &(struct cli_request){
                          .route = CLI_ROUTE_draft_discard, .values = {DRAFT_ME}, .body = item});
    json_decref(item);
    if (done != NULL && !cli_prints_json(cli))
        (void)buf_append_str(&cli->out, "1 change dropped\n");
}

void cli_config_discard(struct cli *cli)
{
    if (cli_arg(cli, 0) != NULL)
        discard_one(cli);
    else if (cli_has(cli, CLI_OPTION_LISTENER))
        cli_usage_error(cli, "--listener needs a SECTION");
    else
        discard_all(cli);
}

/* Each open conflict, answered the same way. */
static json_t *answers_to(const json_t *conflicts, const char *take)
{
    static const char *const parts[] = {"section", "listener", "key", "pointer"};
    json_t *answers = json_array();

    for (size_t i = 0; i < json_array_size(conflicts); i++) {
        json_t *answer = json_pack("{s:s}", "take", take);
        for (size_t j = 0; j < ARRAY_LEN(parts); j++)
            (void)json_object_set(answer, parts[j],
                                  json_object_get(json_array_get(conflicts, i), parts[j]));
        (void)json_array_append_new(answers, answer);
    }
    return json_pack("{s:o}", "resolve", answers);
}

void cli_config_rebase(struct cli *cli)
{
    const char *take = cli->options[CLI_OPTION_TAKE];
    json_t *body = NULL;

    if (take != NULL && strcmp(take, "mine") != 0 && strcmp(take, "theirs") != 0) {
        cli_usage_error(cli, "--take is mine or theirs, not `%s`", take);
        return;
    }
    if (take == NULL) {
        body = json_object();
    } else {
        const json_t *diff = read_diff(cli);
        if (diff == NULL)
            return;
        body = answers_to(json_object_get(diff, "conflicts"), take);
    }
    show_draft(cli, cli_call(cli, &(struct cli_request){.route = CLI_ROUTE_draft_rebase,
                                                        .values = {DRAFT_ME},
                                                        .body = body}));
    json_decref(body);
}

/* --- revisions --- */

void cli_config_history(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"REVISION", "revision"}, {"CREATED", "created"}, {"AUTHOR", "author"},
        {"LIVE", "running"},      {"COMMENT", "comment"},
    };
    const struct cli_request request = {
        .route = CLI_ROUTE_revisions,
        .params = {{"limit", cli->options[CLI_OPTION_LIMIT]},
                   {"cursor", cli->options[CLI_OPTION_CURSOR]}},
    };
    const json_t *answer = cli_call(cli, &request);

    if (answer == NULL || cli_prints_json(cli))
        return;
    cli_table_of(json_object_get(answer, "items"), columns, ARRAY_LEN(columns), cli->width,
                 &cli->out);
    cli_note_next(cli);
}

/* The draft becomes what leads to that revision; one that holds changes is refused. */
void cli_config_restore(struct cli *cli)
{
    const struct cli_request request = {
        .route = CLI_ROUTE_revision_restore,
        .values = {cli_arg(cli, 0)},
        .params = {{"draft", DRAFT_ME}},
    };
    cli_show_staged(cli, cli_call(cli, &request));
}
