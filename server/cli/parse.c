/* The command line's words against the rows of commands.def and options.def; help. */
#include <stdint.h>

#include "cli/cli_priv.h"
#include "cli/text.h"

struct option_info {
    const char *name;
    char letter;
    const char *value; /* NULL: it takes none */
    const char *help;
};

/* clang-format off */
static const struct option_info options[CLI_OPTION_COUNT] = {
#define CLI_OPTION(id, name_, letter_, value_, help_) {.name = (name_), .letter = (letter_), .value = (value_), .help = (help_)},
#include "cli/options.def"
#undef CLI_OPTION
};

#define O(id) (1U << CLI_OPTION_##id)
static const struct cli_command commands[] = {
#define CLI_COMMAND(group_, words_, arguments_, options_, route_, run_, summary_) \
    {.group = #group_, .words = (words_), .arguments = (arguments_), .options = (options_), \
     .route = CLI_ROUTE_##route_, .run = (run_), .summary = (summary_)},
#include "cli/commands.def"
#undef CLI_COMMAND
};

static const struct {
    const char *group, *title;
} groups[] = {
    {"CONFIG", "configuration"},
    {"QUEUE",  "queue"},
    {"STATUS", "status"},
    {"ACCESS", "access"},
    {"VENDOR", "the vendor's names"},
};
/* clang-format on */

enum { OPTIONS_ALWAYS = O(JSON) | O(STATE_DIR) };

/* --- finding the command --- */

static bool is_verb(const struct cli_command *command, const char *verb)
{
    struct slice words = slice_str(command->words);

    return slice_eq(slice_cut(&words, ' '), slice_str(verb));
}

bool cli_has_verb(const char *verb)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (is_verb(&commands[i], verb))
            return true;
    return false;
}

/* How many of ARGV the command's words are; 0: they are not. */
static size_t match(const struct cli_command *command, int argc, char **argv)
{
    struct slice words = slice_str(command->words);
    size_t count = 0;

    while (words.len > 0) {
        struct slice word = slice_cut(&words, ' ');
        if (count == (size_t)argc || !slice_eq(word, slice_str(argv[count])))
            return 0;
        count++;
    }
    return count;
}

/* `queue` is a command and begins others: a word behind it is to be one of those. */
static bool is_other_word(const struct cli *cli, size_t words, int argc, char **argv)
{
    if (words != 1 || argc < 2 || argv[1][0] == '-' || cli->command->arguments[0] != '\0')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (&commands[i] != cli->command && is_verb(&commands[i], argv[0]))
            return true;
    return false;
}

static size_t find_command(struct cli *cli, int argc, char **argv)
{
    size_t longest = 0;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        size_t count = match(&commands[i], argc, argv);
        if (count <= longest)
            continue;
        longest = count;
        cli->command = &commands[i];
    }
    if (!is_other_word(cli, longest, argc, argv))
        return longest;
    cli->command = NULL;
    return 0;
}

/* --- arguments --- */

/* `SECTION [KEY] [FIELD=VALUE ...]`: how many there must be, and may be. */
static void count_arguments(const char *syntax, size_t *ret_least, size_t *ret_most)
{
    struct slice rest = slice_str(syntax);
    size_t depth = 0, least = 0, most = 0;
    bool is_endless = false;

    while (rest.len > 0) {
        struct slice word = slice_cut(&rest, ' ');
        for (; word.p[0] == '['; word = slice_of(word.p + 1, word.len - 1))
            depth++;
        if (slice_starts_nocase(word, SLICE("...")))
            is_endless = true;
        else
            most++;
        if (depth == 0)
            least = most;
        for (; word.len > 0 && word.p[word.len - 1] == ']'; word.len--)
            depth--;
    }
    *ret_least = least;
    *ret_most = is_endless ? SIZE_MAX : most;
}

static bool check_arguments(const struct cli *cli, struct buf *why)
{
    size_t least, most;

    count_arguments(cli->command->arguments, &least, &most);
    if (cli->arg_count < least)
        (void)buf_printf(why, "needs %s", cli->command->arguments);
    else if (cli->arg_count > most && most == 0)
        (void)buf_printf(why, "takes no argument, and `%s` is one", cli->args[0]);
    else if (cli->arg_count > most)
        (void)buf_printf(why, "takes %s, and `%s` is one too many", cli->command->arguments,
                         cli->args[most]);
    for (size_t i = 0; i < cli->arg_count && buf_len(why) == 0; i++)
        if (cli->args[i][0] == '\0')
            (void)buf_printf(why, "takes no empty argument");
    return buf_len(why) == 0;
}

/* --- options --- */

/* `--limit=5`, `--limit 5`, `-m TEXT`. CLI_OPTION_COUNT: no such option. */
static enum cli_option find_option(struct slice name)
{
    unsigned i = 0;
    bool is_long = name.len > 2 && name.p[1] == '-';

    for (; i < CLI_OPTION_COUNT; i++) {
        if (is_long && slice_eq(slice_of(name.p + 2, name.len - 2), slice_str(options[i].name)))
            break;
        if (!is_long && name.len == 2 && options[i].letter == name.p[1])
            break;
    }
    return (enum cli_option)i;
}

static bool is_repeatable(enum cli_option option)
{
    struct slice value = slice_str(options[option].value);

    return value.len > 4 && memcmp(value.p + value.len - 4, " ...", 4) == 0;
}

const char *cli_option_next(const struct cli *cli, enum cli_option option, size_t *at)
{
    if (*at == 0) {
        *at = 1;
        return cli->options[option];
    }
    for (; *at <= cli->more_count; (*at)++)
        if (cli->more[*at - 1].option == option)
            return cli->more[(*at)++ - 1].value;
    return NULL;
}

/* False: it came before, or too often. */
static bool may_come(const struct cli *cli, enum cli_option option, struct slice name,
                     struct buf *why)
{
    if (cli->options[option] != NULL && !is_repeatable(option))
        (void)buf_printf(why, "takes %.*s once", SLICE_ARGS(name));
    else if (cli->options[option] != NULL && cli->more_count == CLI_MORE_MAX)
        (void)buf_printf(why, "takes %.*s %d times at most", SLICE_ARGS(name), CLI_MORE_MAX + 1);
    return buf_len(why) == 0;
}

/* Takes the option at argv[*at]. */
static bool take_option(struct cli *cli, int argc, char **argv, int *at, struct buf *why)
{
    struct slice value = slice_str(argv[*at]);
    bool is_long = value.p[1] == '-';
    struct slice name = is_long ? slice_cut(&value, '=') : value;
    bool has_value = is_long && name.len < strlen(argv[*at]);
    enum cli_option option = find_option(name);

    if (option == CLI_OPTION_COUNT ||
        ((cli->command->options | OPTIONS_ALWAYS) & 1U << option) == 0) {
        (void)buf_printf(why, "takes no option %.*s", SLICE_ARGS(name));
        return false;
    }
    if (!may_come(cli, option, name, why))
        return false;
    if (options[option].value == NULL && has_value) {
        (void)buf_printf(why, "takes no value with %.*s", SLICE_ARGS(name));
        return false;
    }
    if (options[option].value == NULL) {
        cli->options[option] = "";
        return true;
    }
    if (!has_value && *at + 1 == argc) {
        (void)buf_printf(why, "needs %s behind %.*s", options[option].value, SLICE_ARGS(name));
        return false;
    }
    const char *text = has_value ? value.p : argv[++*at];
    if (cli->options[option] == NULL)
        cli->options[option] = text;
    else
        cli->more[cli->more_count++] = (struct cli_more){option, text};
    return true;
}

static bool take_all(struct cli *cli, int argc, char **argv, struct buf *why)
{
    bool is_over = false; /* `--` came: what follows is no option */

    for (int i = 0; i < argc; i++) {
        if (!is_over && strcmp(argv[i], "--") == 0) {
            is_over = true;
            continue;
        }
        if (is_over || argv[i][0] != '-' || argv[i][1] == '\0')
            cli->args[cli->arg_count++] = argv[i];
        else if (!take_option(cli, argc, argv, &i, why))
            return false;
    }
    return true;
}

bool cli_parse(struct cli *cli, int argc, char **argv, struct buf *why)
{
    for (int i = 0; i < argc; i++) {
        if (cli_text_is_utf8(slice_str(argv[i])))
            continue;
        (void)buf_printf(why, "takes UTF-8, and `%s` is none", argv[i]);
        return false;
    }
    size_t words = find_command(cli, argc, argv);
    if (words == 0) {
        (void)buf_printf(why, argc > 1 ? "has no command `%s`" : "needs one more word",
                         argc > 1 ? argv[1] : "");
        return false;
    }
    cli->args = mem_array((size_t)argc + 1, sizeof(*cli->args));
    return take_all(cli, argc - (int)words, argv + words, why) && check_arguments(cli, why);
}

/* --- help --- */

static void print_usage(const struct cli_command *command, struct buf *out)
{
    (void)buf_printf(out, "  postern %s%s%s", command->words,
                     command->arguments[0] == '\0' ? "" : " ", command->arguments);
    for (unsigned i = 0; i < CLI_OPTION_COUNT; i++) {
        if ((command->options & 1U << i) == 0)
            continue;
        if (options[i].letter != '\0')
            (void)buf_printf(out, " [-%c %s]", options[i].letter, options[i].value);
        else if (options[i].value != NULL)
            (void)buf_printf(out, " [--%s %s]", options[i].name, options[i].value);
        else
            (void)buf_printf(out, " [--%s]", options[i].name);
    }
    (void)buf_append_char(out, '\n');
}

void cli_usage(const struct cli_command *command, const char *verb, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (command == &commands[i] || (command == NULL && is_verb(&commands[i], verb)))
            print_usage(&commands[i], out);
}

void cli_help(struct buf *out)
{
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        (void)buf_printf(out, "\n%s:\n", groups[g].title);
        for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
            if (strcmp(commands[i].group, groups[g].group) != 0)
                continue;
            print_usage(&commands[i], out);
            (void)buf_printf(out, "      %s\n", commands[i].summary);
        }
    }
    (void)buf_append_str(out, "\noptions of these commands; each takes the first two:\n");
    for (unsigned i = 0; i < CLI_OPTION_COUNT; i++) {
        char *name SCOPED(mem_free_at) =
            mem_printf("--%s%s%s", options[i].name, options[i].value == NULL ? "" : " ",
                       options[i].value == NULL ? "" : options[i].value);
        if (options[i].letter != '\0')
            (void)buf_printf(out, "  -%c, %-18s %s\n", options[i].letter, name, options[i].help);
        else
            (void)buf_printf(out, "  %-22s %s\n", name, options[i].help);
    }
}
