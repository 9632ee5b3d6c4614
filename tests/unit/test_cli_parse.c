/* The command line's words, and the requests and refusals that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/cli_priv.h"

enum { WORDS_MAX = 48 };

/* Cut at blanks; `''` is an empty word. */
static int split(char *line, char *words[WORDS_MAX])
{
    int count = 0;

    for (char *at = line; at != NULL && *at != '\0';) {
        char *end = strchr(at, ' ');
        if (end != NULL)
            *end++ = '\0';
        assert_true(count < WORDS_MAX);
        if (strcmp(at, "''") == 0)
            *at = '\0';
        words[count++] = at;
        at = end;
    }
    return count;
}

static const struct {
    const char *line;
    const char *words; /* of the command found; NULL: the line is refused */
    const char *says;  /* part of why, or its arguments and options */
} cases[] = {
    {"status", "status", "() "},
    {"status --json", "status", "() json="},
    {"status --state-dir=/x", "status", "() state-dir=/x"},
    {"status --state-dir /x --json", "status", "() json= state-dir=/x"},
    {"queue", "queue", "()"},
    {"queue --json", "queue", "() json="},
    {"queue summary", "queue summary", "()"},
    {"queue show 12", "queue show", "(12)"},
    {"queue retry-destination example.com", "queue retry-destination", "(example.com)"},
    {"queue messages --limit=5 --destination a", "queue messages", "() limit=5 destination=a"},
    {"config get", "config get", "()"},
    {"config get rat ALL --listener In --draft", "config get", "(rat ALL) listener=In draft="},
    {"config get --draft rat", "config get", "(rat) draft="},
    {"config get -- --draft", "config get", "(--draft)"},
    {"config get -", "config get", "(-)"},
    {"config get rat --cursor=a=b", "config get", "(rat) cursor=a=b"},
    {"config get rat --cursor --", "config get", "(rat) cursor=--"},
    {"config set system", "config set", "(system)"},
    {"config set listeners In port=25 type=public certificate= a=b", "config set",
     "(listeners In port=25 type=public certificate= a=b)"},
    {"config order rat --listener In a b c d e", "config order", "(rat a b c d e) listener=In"},
    {"config commit -m why", "config commit", "() comment=why"},
    {"config commit --comment=why", "config commit", "() comment=why"},
    {"commit", "commit", "()"},
    {"sethostname mx.example", "sethostname", "(mx.example)"},
    {"token create t --scope a --scope=b --days 5 --scope c", "token create",
     "(t) scope=a scope=b scope=c days=5"},
    {"token list --user=kim", "token list", "() user=kim"},
    {"audit verify --json", "audit verify", "() json="},
    {"token list --user kim --user ann", NULL, "--user once"},
    {"token list --scope a", NULL, "no option --scope"},
    {"token create --scope a", NULL, "needs NAME"},
    {"token create t --scope", NULL, "needs SCOPE ... behind --scope"},
    {"config", NULL, "needs one more word"},
    {"config nonsense", NULL, "no command `nonsense`"},
    {"queue nonsense", NULL, "no command `nonsense`"},
    {"queue show", NULL, "needs MID"},
    {"queue show 1 2", NULL, "`2` is one too many"},
    {"queue show ''", NULL, "no empty argument"},
    {"status now", NULL, "no argument"},
    {"status --limit 5", NULL, "no option --limit"},
    {"status -x", NULL, "no option -x"},
    {"status -jj", NULL, "no option -jj"},
    {"status --", "status", "()"},
    {"status --json --json", NULL, "--json once"},
    {"status --json=1", NULL, "no value with --json"},
    {"status --state-dir", NULL, "needs DIR"},
    {"config commit -m", NULL, "needs TEXT"},
    {"config commit why", NULL, "no argument"},
    {"queue show \xff", NULL, "UTF-8"},
};

static void render(const struct cli *cli, struct buf *out)
{
    static const char *const names[] = {
#define CLI_OPTION(id, name, letter, value, help) name,
#include "cli/options.def"
#undef CLI_OPTION
    };

    (void)buf_append_char(out, '(');
    for (size_t i = 0; i < cli->arg_count; i++)
        (void)buf_printf(out, "%s%s", i == 0 ? "" : " ", cli_arg(cli, i));
    (void)buf_append_str(out, ") ");
    for (size_t i = 0; i < CLI_OPTION_COUNT; i++) {
        size_t at = 0;
        for (const char *value = cli_option_next(cli, (enum cli_option)i, &at); value != NULL;
             value = cli_option_next(cli, (enum cli_option)i, &at))
            (void)buf_printf(out, "%s=%s ", names[i], value);
    }
    assert_null(cli_arg(cli, cli->arg_count));
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[256], *words[WORDS_MAX];
        struct cli cli = {0};
        struct buf text;
        (void)snprintf(line, sizeof(line), "%s", cases[i].line);
        buf_init(&text, 0);
        int count = split(line, words);
        bool is_fine = cli_parse(&cli, count, words, &text);
        if (is_fine)
            render(&cli, &text);
        if (is_fine != (cases[i].words != NULL) || strstr(buf_cstr(&text), cases[i].says) == NULL)
            fail_msg("`%s`: %s", cases[i].line, buf_cstr(&text));
        if (is_fine)
            assert_string_equal(cli.command->words, cases[i].words);
        free(cli.args);
        buf_finish(&text);
    }
}

/* The first value and CLI_MORE_MAX more. */
static void test_too_often(void **state)
{
    (void)state;
    for (size_t more = CLI_MORE_MAX; more <= CLI_MORE_MAX + 1; more++) {
        char *words[WORDS_MAX];
        struct cli cli = {0};
        struct buf line, why;
        buf_init(&line, 0);
        buf_init(&why, 0);
        (void)buf_append_str(&line, "token create t");
        for (size_t i = 0; i <= more; i++)
            (void)buf_append_str(&line, " --scope=x");
        char *text SCOPED(mem_free_at) = mem_printf("%s", buf_cstr(&line));
        bool is_fine = cli_parse(&cli, split(text, words), words, &why);
        assert_int_equal(is_fine, more == CLI_MORE_MAX);
        if (is_fine)
            assert_int_equal(cli.more_count, CLI_MORE_MAX);
        else
            assert_non_null(strstr(buf_cstr(&why), "33 times at most"));
        free(cli.args);
        buf_finish(&line);
        buf_finish(&why);
    }
}

/* --- requests --- */

static void check_target(const struct cli_request *request, const char *expected)
{
    struct buf out;

    buf_init(&out, 0);
    cli_target(request, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_finish(&out);
}

static void test_targets(void **state)
{
    (void)state;
    check_target(&(struct cli_request){.route = CLI_ROUTE_status}, "/status");
    check_target(&(struct cli_request){.route = CLI_ROUTE_queue_message_retry, .values = {"12"}},
                 "/queue/messages/12/retry");
    check_target(&(struct cli_request){.route = CLI_ROUTE_config_read,
                                       .values = {"rat", "a/b ?#%&\xea\xb0\x80"},
                                       .params = {{"listener", "In & Out"}, {"draft", NULL}}},
                 "/config/rat/a%2Fb%20%3F%23%25%26%EA%B0%80?listener=In%20%26%20Out");
    check_target(&(struct cli_request){.route = CLI_ROUTE_queue_messages,
                                       .params = {{"q", NULL}, {"limit", "5"}, {"cursor", "-._~"}}},
                 "/queue/messages?limit=5&cursor=-._~");
}

static void check_problem(const char *json, const char *expected)
{
    json_t *problem = json_loads(json, 0, NULL);
    struct buf out;

    assert_non_null(problem);
    buf_init(&out, 0);
    cli_problem_text(problem, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_finish(&out);
    json_decref(problem);
}

static void test_problems(void **state)
{
    (void)state;
    check_problem("{\"title\":\"Not found\",\"detail\":\"rat has no `x`\"}", "rat has no `x`");
    check_problem("{\"title\":\"Not found\"}", "Not found");
    check_problem("{}", "");
    check_problem("{\"detail\":\"1 error: /port: is wrong\",\"errors\":[{\"pointer\":\"/port\","
                  "\"detail\":\"is wrong\"}]}",
                  "1 error: /port: is wrong");
    check_problem("{\"detail\":\"2 errors: /a: x\",\"errors\":[{\"pointer\":\"/a\",\"detail\":"
                  "\"x\"},{\"pointer\":\"/b\",\"detail\":\"y\"}]}",
                  "2 errors\n  /a: x\n  /b: y");
    check_problem("{\"detail\":\"conflict\",\"params\":{\"conflicts\":[{\"section\":\"listeners\","
                  "\"listener\":\"\",\"key\":\"In\",\"pointer\":\"/port\",\"base\":25,\"theirs\":"
                  "26,\"mine\":null}]}}",
                  "conflict\n  listeners In/port: base `25`, theirs `26`, mine ``");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_too_often),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
