/* See cli.h: one command from its words to its exit code. */
#include "cli/cli.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli_priv.h"
#include "cli/text.h"

/* --- telling --- */

static void tell(const struct cli *cli, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void tell(const struct cli *cli, const char *fmt, va_list args)
{
    struct buf text, shown;

    buf_init(&text, 0);
    buf_init(&shown, 0);
    (void)buf_printf(&text, "postern%s%s: ", cli->command == NULL ? "" : " ",
                     cli->command == NULL ? "" : cli->command->words);
    (void)buf_vprintf(&text, fmt, args);
    cli_text_show_lines(&shown, buf_slice(&text));
    (void)buf_append_char(&shown, '\n');
    (void)fwrite(buf_cstr(&shown), 1, buf_len(&shown), stderr); /* nowhere left to say so */
    buf_finish(&text);
    buf_finish(&shown);
}

void cli_note(struct cli *cli, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(cli, fmt, args);
    va_end(args);
}

void cli_refuse(struct cli *cli, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(cli, fmt, args);
    va_end(args);
    cli->exit_code = CLI_EXIT_REFUSED;
}

void cli_usage_error(struct cli *cli, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(cli, fmt, args);
    va_end(args);
    cli->exit_code = CLI_EXIT_USAGE;
}

/* --- running --- */

static size_t terminal_width(void)
{
    struct winsize size = {0};

    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

static const char *state_dir_of(const struct cli *cli)
{
    const char *from_environment = getenv("POSTERN_STATE_DIR");

    if (cli_has(cli, CLI_OPTION_STATE_DIR))
        return cli->options[CLI_OPTION_STATE_DIR];
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment
                                                                   : CLI_STATE_DIR;
}

/* A full disk or a pipe that is gone must not look like success. */
static void write_out(struct cli *cli)
{
    struct slice text = buf_slice(&cli->out);
    bool is_written = fwrite(text.p, 1, text.len, stdout) == text.len && fflush(stdout) == 0;

    if (!is_written)
        cli_refuse(cli, "standard output cannot be written");
}

static void run(struct cli *cli)
{
    cli->width = terminal_width();
    cli_http_init(&cli->http, state_dir_of(cli));
    cli_answer_init(&cli->last, CLI_BODY_MAX);
    cli->command->run(cli);
    write_out(cli);
    cli_http_close(&cli->http);
    cli_answer_finish(&cli->last);
    json_decref(cli->json);
}

int cli_run(int argc, char **argv)
{
    struct cli cli = {0};
    struct buf why;

    buf_init(&why, 0);
    buf_init(&cli.out, 0);
    if (cli_parse(&cli, argc, argv, &why)) {
        run(&cli);
    } else {
        struct buf usage;
        buf_init(&usage, 0);
        cli_usage(cli.command, argv[0], &usage);
        cli_usage_error(&cli, "%s%s%s\nusage:\n%s'postern help' says what each does",
                        cli.command == NULL ? argv[0] : "", cli.command == NULL ? " " : "",
                        buf_cstr(&why), buf_cstr(&usage));
        buf_finish(&usage);
    }
    buf_finish(&why);
    buf_finish(&cli.out);
    free(cli.args);
    return (int)cli.exit_code;
}
