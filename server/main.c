/* The program: finds the command named on the command line and runs it.
 *
 * One table holds every command that works without a running daemon, so that help, dispatch and
 * tests cannot differ; all others are rows of cli/commands.def. What a command does is in
 * cmd_NAME.c or in cli/; this file knows nothing of mail. A wrong command line is answered with
 * what is allowed, on standard error, and exit code 2. */
#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "base/compiler.h"
#include "cli/cli.h"
#include "config/config.h"

#ifndef POSTERN_VERSION
#define POSTERN_VERSION "unknown"
#endif

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *summary;
};

static int run_help(int argc, char **argv);
static int run_openapi(int argc, char **argv);
static int run_version(int argc, char **argv);

/* clang-format off */
static const struct command commands[] = {
    {"serve",       cmd_serve,       "--state-dir DIR [OPTION ...]", "run the gateway in the foreground"},
    {"check",       cmd_check,       "FILE",                         "validate a configuration file, print every error"},
    {"admin-reset", cmd_admin_reset, "--state-dir DIR",              "write a new setup code: one more administrator may be made"},
    {"grep",        cmd_grep,        "--state-dir DIR [OPTION ...] [TEXT]", "print the lines of the mail log that were asked for"},
    {"tail",        cmd_tail,        "--state-dir DIR [-f] [-n LINES] [--json]", "print the newest lines of the mail log, -f: and those to come"},
    {"openapi",     run_openapi,     "",                             "print the API's description, OpenAPI 3.1"},
    {"help",        run_help,        "",                             "print this text"},
    {"version",     run_version,     "",                             "print the version"},
};
/* clang-format on */

static void print_usage(FILE *out)
{
    struct buf online;

    (void)fprintf(out, "usage: postern COMMAND [ARGUMENT ...]\n\nthe gateway itself:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  postern %s%s%s\n      %s\n", commands[i].name,
                      commands[i].arguments[0] == '\0' ? "" : " ", commands[i].arguments,
                      commands[i].summary);
    buf_init(&online, 0);
    cli_help(&online);
    (void)fputs(buf_cstr(&online), out);
    buf_finish(&online);
    (void)fprintf(out, "\nserve takes:\n"
                       "  --state-dir DIR      where everything is kept; made if it is missing\n"
                       "  --demo               first start only: the demonstration set-up\n"
                       "  --setup FILE         first start only: this configuration file\n"
                       "  --loops N            event loops (1..64), default one per processor\n"
                       "  --segment-size BYTES size of a spool segment, default 134217728\n"
                       "  --webroot DIR        pages from this folder, for who works on them\n"
                       "\ngrep takes:\n"
                       "  TEXT                 part of any text in the line, ASCII in any case\n"
                       "  --mid N              a message, with the lines of its connections\n"
                       "  --icid N, --dcid N   a connection\n"
                       "  --tls WORD           success, failed or none\n"
                       "  --from, --to TIME    as in 2026-11-24T12:00:00Z\n"
                       "  --limit N            newest lines that are printed, default 10000\n"
                       "  --json               the lines of mail_json as they are\n"
                       "\nexit codes: 0 clean, 1 other or refused, 2 usage, 3 configuration,\n"
                       "            4 state directory or lock, 5 port, 6 key or database\n");
}

static int run_help(int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return cmd_usage_error("help", "takes no argument");
    print_usage(stdout);
    return EXIT_CODE_CLEAN;
}

static int run_openapi(int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return cmd_usage_error("openapi", "takes no argument");
    config_json_init();
    char *text = openapi_render();
    (void)fputs(text, stdout);
    free(text);
    return EXIT_CODE_CLEAN;
}

static int run_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return cmd_usage_error("version", "takes no argument");
    (void)printf("postern %s\n", POSTERN_VERSION);
    return EXIT_CODE_CLEAN;
}

int cmd_usage_error(const char *command, const char *fmt, ...)
{
    va_list args;

    (void)fprintf(stderr, "postern %s: ", command);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "\n'postern help' prints what is allowed\n");
    return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_CODE_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    if (cli_has_verb(name))
        return cli_run(argc - 1, argv + 1);
    (void)fprintf(stderr, "postern: no command '%s'\n'postern help' lists what there is\n", name);
    return EXIT_CODE_USAGE;
}
