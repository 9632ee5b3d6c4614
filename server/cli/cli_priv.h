/* What the files of cli/ share: the command under way and its talk with the daemon. */
#ifndef POSTERN_CLI_CLI_PRIV_H
#define POSTERN_CLI_CLI_PRIV_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/http.h"
#include "cli/table.h"

#define CLI_API_BASE  "/api/v1"
#define CLI_STATE_DIR "/var/lib/postern"

/* clang-format off */
enum cli_route {
#define CLI_ROUTE(id, method, path) CLI_ROUTE_##id,
#include "cli/routes.def"
#undef CLI_ROUTE
    CLI_ROUTE_COUNT
};

enum cli_option {
#define CLI_OPTION(id, name, letter, value, help) CLI_OPTION_##id,
#include "cli/options.def"
#undef CLI_OPTION
    CLI_OPTION_COUNT
};
/* clang-format on */

struct cli;

struct cli_command {
    const char *group;
    const char *words;
    const char *arguments;
    unsigned options; /* bits 1 << enum cli_option */
    enum cli_route route;
    void (*run)(struct cli *cli);
    const char *summary;
};

enum { CLI_MORE_MAX = 32 };

/* One run of the program. */
struct cli {
    const struct cli_command *command;
    const char **args; /* behind the words; the texts are the caller's */
    size_t arg_count;
    const char *options[CLI_OPTION_COUNT]; /* NULL: not given; "" if it takes no value */
    struct cli_more {
        enum cli_option option;
        const char *value;
    } more[CLI_MORE_MAX]; /* of options that came again, in order */
    size_t more_count;
    size_t width; /* of the terminal; 0: there is none */
    struct cli_http http;
    struct cli_answer last; /* the answer of the last cli_call */
    json_t *json;           /* the same, read */
    struct buf out;         /* for standard output, written at the end */
    enum cli_exit exit_code;
};

/* --- the command line --- */

/* Words, options and arguments into *cli, which the caller zeroed and whose args it frees. False:
 * the line is wrong, and WHY says how. */
bool cli_parse(struct cli *cli, int argc, char **argv, struct buf *why) MUST_CHECK;
/* What the command takes; NULL: all commands with that verb. */
void cli_usage(const struct cli_command *command, const char *verb, struct buf *out);
static inline bool cli_has(const struct cli *cli, enum cli_option option)
{
    return cli->options[option] != NULL;
}
/* The next value of an option that may be given several times, from *AT = 0; NULL: no more. */
const char *cli_option_next(const struct cli *cli, enum cli_option option, size_t *at);
/* The Nth argument; NULL if it was left out. */
static inline const char *cli_arg(const struct cli *cli, size_t n)
{
    return n < cli->arg_count ? cli->args[n] : NULL;
}
/* One line on standard error, shown as cli_text_show does; exit code 2. */
void cli_usage_error(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same with exit code 1. */
void cli_refuse(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One line on standard error that is no failure. */
void cli_note(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- talking --- */

enum { CLI_VALUES_MAX = 2, CLI_PARAMS_MAX = 6 };

struct cli_param {
    const char *name, *value; /* value NULL: left out */
};

struct cli_request {
    enum cli_route route;
    const char *values[CLI_VALUES_MAX]; /* for the {…} of the path, in order */
    struct cli_param params[CLI_PARAMS_MAX];
    const json_t *body;
    unsigned tolerated; /* a status that the caller sees to; 0: none */
};

/* Sends it and returns the answer, borrowed until the next call; JSON null when there is none.
 * NULL: it failed, which is told, and sets the exit code; or the status is the tolerated one, which
 * cli->last has. */
const json_t *cli_call(struct cli *cli, const struct cli_request *request);
/* True with --json: then the last answer was printed as it is. */
bool cli_prints_json(struct cli *cli);
/* Path and query of a request below CLI_API_BASE, percent-encoded (RFC 3986 2.1). */
void cli_target(const struct cli_request *request, struct buf *out);
/* What a problem document (RFC 9457) says, for people. */
void cli_problem_text(const json_t *problem, struct buf *out);
/* A line for each conflict of a draft: where, and the three values. */
void cli_conflicts_text(const json_t *conflicts, struct buf *out);
/* Says on standard error how to go on, if the last answer is a page with a `next`. */
void cli_note_next(struct cli *cli);
/* Text of a member, "" if there is none. */
const char *cli_text(const json_t *object, const char *key);

/* --- what commands.def runs --- */

/* clang-format off */
#define CLI_COMMAND(group, words, arguments, options, route, run, summary) void run(struct cli *cli);
#include "cli/commands.def"
#undef CLI_COMMAND
/* clang-format on */

/* What an overlay changes: items of a diff, in words. */
void cli_show_diff(struct cli *cli, const json_t *items);
/* A diff of the draft after a call that staged something; NULL: the call failed. */
void cli_show_staged(struct cli *cli, const json_t *diff);

#endif
