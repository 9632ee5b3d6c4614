/* saveconfig, loadconfig: the configuration file, plain or sealed under a passphrase.
 *
 * A passphrase is the first line of a file, never an argument: arguments are seen by everybody on
 * the machine. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli_priv.h"

enum { PASSPHRASE_MAX = 1024 };

/* `-` is standard input. */
static const char *path_of(const char *name)
{
    return strcmp(name, "-") == 0 ? "/dev/stdin" : name;
}

/* Adds `passphrase` to BODY, if there is to be one; false: told why not. */
static bool add_passphrase(struct cli *cli, json_t *body)
{
    const char *name = cli->options[CLI_OPTION_PASSPHRASE_FILE];
    struct buf text;
    struct error error;

    if (name == NULL)
        return true;
    buf_init(&text, PASSPHRASE_MAX);
    int r = file_read(path_of(name), &text, &error);
    struct slice rest = buf_slice(&text), line = slice_cut(&rest, '\n');
    json_t *passphrase = r < 0 ? NULL : json_stringn(line.p, line.len);
    if (r < 0)
        cli_refuse(cli, "%s", error.text);
    else if (line.len == 0 || passphrase == NULL)
        cli_refuse(cli, "the first line of %s is no passphrase", name);
    else
        (void)json_object_set(body, "passphrase", passphrase);
    json_decref(passphrase);
    if (text.data != NULL)
        mem_wipe(text.data, text.size_bytes);
    buf_finish(&text);
    return cli->exit_code == CLI_EXIT_OK;
}

/* --- save --- */

static void write_file(struct cli *cli)
{
    const char *path = cli_arg(cli, 0);
    struct error error;

    if (path == NULL || strcmp(path, "-") == 0) {
        (void)buf_append_slice(&cli->out, buf_slice(&cli->last.body));
        return;
    }
    int r = file_replace(path, buf_slice(&cli->last.body), 0600, &error);
    if (r < 0)
        cli_refuse(cli, "%s", error.text);
    else
        (void)buf_printf(&cli->out, "saved to %s\n", path);
}

void cli_saveconfig(struct cli *cli)
{
    struct cli_request request = {.route = CLI_ROUTE_config_file};
    json_t *body = json_object();

    if (cli_has(cli, CLI_OPTION_PASSPHRASE_FILE)) {
        request.route = CLI_ROUTE_config_file_seal;
        request.body = body;
    }
    if (add_passphrase(cli, body) && cli_call(cli, &request) != NULL)
        write_file(cli);
    json_decref(body);
}

/* --- load --- */

static json_t *read_file(struct cli *cli, const char *name)
{
    struct buf text;
    struct error error;
    json_error_t wrong;
    json_t *file = NULL;

    buf_init(&text, LIMIT_JSON_BYTES);
    int r = file_read(path_of(name), &text, &error);
    if (r < 0) {
        cli_refuse(cli, "%s", error.text);
    } else {
        file = json_loadb(buf_slice(&text).p, buf_len(&text), JSON_REJECT_DUPLICATES, &wrong);
        if (file == NULL)
            cli_refuse(cli, "%s is no JSON: line %d, column %d: %s", name, wrong.line, wrong.column,
                       wrong.text);
    }
    buf_finish(&text);
    return file;
}

void cli_loadconfig(struct cli *cli)
{
    json_t *file = read_file(cli, cli_arg(cli, 0));

    if (file == NULL)
        return;
    json_t *body = json_pack("{s:o}", "file", file);
    const struct cli_request request = {
        .route = cli->command->route,
        .params = {{"draft", "me"},
                   {"mode", cli_has(cli, CLI_OPTION_MERGE) ? "merge" : NULL},
                   {"sections", cli->options[CLI_OPTION_SECTIONS]}},
        .body = body,
    };
    if (add_passphrase(cli, body))
        cli_show_staged(cli, cli_call(cli, &request));
    json_decref(body);
}
