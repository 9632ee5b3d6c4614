/* `postern grep` and `postern tail`: the mail log from the command line. Both read the files of the
 * state directory themselves, so they work beside the gateway and without it.
 *
 *   grep   mail_json backwards (trace/search.h), printed the oldest line first, as lines of
 * mail_logs in the shell's time zone, or as JSON. Exit code 1 when there is none. tail   the last
 * lines of mail_logs (or mail_json) as they stand there, and with -f those that are added, through
 * rotations, until it is interrupted or nobody reads any more */
#include "cmd.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/config.h"
#include "trace/follow.h"
#include "trace/parse.h"
#include "trace/search.h"
#include "trace/walk.h"
#include "trace/zone.h"

enum {
    GREP_LIMIT = 10000, /* lines, unless --limit says otherwise */
    TAIL_LINES = 10,
    LINES_MAX = 1000000,
    WAIT_MS = 1000, /* should inotify have nothing to say */
};

struct options {
    const char *command;
    const char *state_dir;
    struct search_query query;
    size_t limit;
    bool is_json, is_following;
};

/* Copies of lines, each on the heap. */
struct lines {
    char **items;
    size_t count, size;
};

static void lines_add(struct lines *lines, struct slice line)
{
    if (lines->count == lines->size) {
        lines->size = lines->size == 0 ? 256 : 2 * lines->size;
        lines->items = mem_realloc(lines->items, lines->size * sizeof *lines->items);
    }
    lines->items[lines->count++] = slice_dup(line);
}

static void lines_finish(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->items[i]);
    free(lines->items);
}

/* --- the command line --- */

static int wrong_value(const struct options *o, const char *name, const char *allowed,
                       const char *value)
{
    return cmd_usage_error(o->command, "%s takes %s, not '%s'", name, allowed, value);
}

static int set_number(const struct options *o, const char *name, const char *value,
                      unsigned long long most, uint64_t *ret)
{
    unsigned long long number;

    if (!slice_to_u64(slice_str(value), most, &number) || number == 0)
        return wrong_value(o, name, "a number above 0", value);
    *ret = number;
    return EXIT_CODE_CLEAN;
}

static int set_limit(struct options *o, const char *name, const char *value)
{
    uint64_t number = 0;
    int code = set_number(o, name, value, LINES_MAX, &number);

    o->limit = (size_t)number;
    return code;
}

static int set_time(const struct options *o, const char *name, const char *value, int64_t *ret)
{
    if (!search_time_parse(slice_str(value), ret))
        return wrong_value(o, name, "a time like 2026-11-24T12:00:00Z", value);
    return EXIT_CODE_CLEAN;
}

/* NAME is one of the options that take a VALUE. */
static int set_grep_option(struct options *o, const char *name, const char *value)
{
    if (strcmp(name, "--mid") == 0)
        return set_number(o, name, value, UINT64_MAX, &o->query.mid);
    if (strcmp(name, "--icid") == 0)
        return set_number(o, name, value, UINT64_MAX, &o->query.icid);
    if (strcmp(name, "--dcid") == 0)
        return set_number(o, name, value, UINT64_MAX, &o->query.dcid);
    if (strcmp(name, "--from") == 0)
        return set_time(o, name, value, &o->query.from_ms);
    if (strcmp(name, "--to") == 0)
        return set_time(o, name, value, &o->query.to_ms);
    if (strcmp(name, "--limit") == 0)
        return set_limit(o, name, value);
    if (!search_tls_parse(slice_str(value), &o->query.tls))
        return wrong_value(o, name, "success, failed or none", value);
    return EXIT_CODE_CLEAN;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* --state-dir and what both commands share; true: it was one of these. */
static bool take_common(struct options *o, int argc, char **argv, int *i, int *ret_code)
{
    *ret_code = EXIT_CODE_CLEAN;
    if (strcmp(argv[*i], "--json") == 0) {
        o->is_json = true;
        return true;
    }
    if (strcmp(argv[*i], "--state-dir") != 0)
        return false;
    if (*i + 1 == argc)
        *ret_code = cmd_usage_error(o->command, "--state-dir needs a value");
    else
        o->state_dir = argv[++*i];
    return true;
}

static int set_text(struct options *o, const char *text)
{
    if (o->query.text.len > 0)
        return cmd_usage_error(o->command, "takes one TEXT");
    if (strlen(text) > SEARCH_TEXT_MAX)
        return cmd_usage_error(o->command, "takes at most %d bytes of TEXT", SEARCH_TEXT_MAX);
    o->query.text = slice_str(text);
    return EXIT_CODE_CLEAN;
}

/* Behind `--` everything is text. */
static int parse_grep(struct options *o, int argc, char **argv)
{
    static const char *const valued[] = {"--mid",  "--icid", "--dcid",  "--tls",
                                         "--from", "--to",   "--limit", NULL};
    bool is_text = false;
    int code = EXIT_CODE_CLEAN;

    for (int i = 0; i < argc && code == EXIT_CODE_CLEAN; i++) {
        if (!is_text && strcmp(argv[i], "--") == 0) {
            is_text = true;
        } else if (is_text) {
            code = set_text(o, argv[i]);
        } else if (take_common(o, argc, argv, &i, &code)) {
            continue;
        } else if (!is_among(argv[i], valued)) {
            code = argv[i][0] == '-' ? cmd_usage_error(o->command, "no option '%s'", argv[i])
                                     : set_text(o, argv[i]);
        } else if (i + 1 == argc) {
            code = cmd_usage_error(o->command, "%s needs a value", argv[i]);
        } else {
            code = set_grep_option(o, argv[i], argv[i + 1]);
            i++;
        }
    }
    return code;
}

static int parse_tail(struct options *o, int argc, char **argv)
{
    int code = EXIT_CODE_CLEAN;

    for (int i = 0; i < argc && code == EXIT_CODE_CLEAN; i++) {
        if (take_common(o, argc, argv, &i, &code))
            continue;
        if (strcmp(argv[i], "-f") == 0) {
            o->is_following = true;
        } else if (strcmp(argv[i], "-n") == 0) {
            if (i + 1 == argc)
                return cmd_usage_error(o->command, "-n needs a value");
            code = set_limit(o, "-n", argv[++i]);
        } else {
            return cmd_usage_error(o->command, "no option '%s'", argv[i]);
        }
    }
    return code;
}

/* After the options; the directory of the logs is the caller's. */
static int log_dir(const struct options *o, char **ret_dir)
{
    if (o->state_dir == NULL)
        return cmd_usage_error(o->command, "--state-dir DIR is needed");
    *ret_dir = mem_printf("%s/log", o->state_dir);
    return EXIT_CODE_CLEAN;
}

/* --- grep --- */

/* A line of mail_json as one of mail_logs; as it is when it is no event of ours. */
static void print_event(const struct options *o, const char *line)
{
    struct trace_record *record = o->is_json ? NULL : trace_parse_json(slice_str(line));
    struct buf buf;

    if (record == NULL) {
        (void)puts(line);
        return;
    }
    buf_init(&buf, 0);
    trace_render_text(record, &buf);
    (void)fputs(buf_cstr(&buf), stdout);
    buf_finish(&buf);
    trace_record_destroy(record);
}

/* Goes on over budgets and pages until there are enough lines. False: it cannot be read. */
static bool collect(struct options *o, const char *dir, struct lines *lines, bool *ret_is_all)
{
    char cursor[SEARCH_CURSOR_MAX] = "";
    struct search_result result;
    struct error error;

    do {
        size_t left = o->limit - lines->count;
        o->query.limit = left < SEARCH_LIMIT_MAX ? left : SEARCH_LIMIT_MAX;
        o->query.cursor = slice_str(cursor);
        int r = search_run(dir, "mail_json", clock_system(), &o->query, &result, &error);
        if (r < 0) {
            (void)fprintf(stderr, "postern grep: %s\n", error.text);
            return false;
        }
        for (size_t i = 0; i < result.count; i++)
            lines_add(lines, result.lines[i]);
        memcpy(cursor, result.next, sizeof cursor);
        search_result_finish(&result);
    } while (cursor[0] != '\0' && lines->count < o->limit);
    *ret_is_all = cursor[0] == '\0';
    return true;
}

int cmd_grep(int argc, char **argv)
{
    struct options o = {.command = "grep", .limit = GREP_LIMIT};
    struct lines lines = {0};
    bool is_all = true;
    char *dir = NULL;

    int code = parse_grep(&o, argc, argv);
    if (code == EXIT_CODE_CLEAN)
        code = log_dir(&o, &dir);
    if (code != EXIT_CODE_CLEAN)
        return code;
    config_json_init();
    const char *zone = getenv("TZ");
    trace_zone_set(zone == NULL ? ":/etc/localtime" : zone);
    if (!collect(&o, dir, &lines, &is_all))
        code = EXIT_CODE_STATE;
    else if (lines.count == 0)
        code = EXIT_CODE_OTHER;
    for (size_t i = lines.count; i-- > 0;)
        print_event(&o, lines.items[i]);
    if (!is_all)
        (void)fprintf(stderr, "postern grep: these are the newest %zu lines; --limit N for more\n",
                      lines.count);
    lines_finish(&lines);
    free(dir);
    return code;
}

/* --- tail --- */

/* The last lines into LINES, the newest first; FOLLOW goes on behind the newest. */
static int last_lines(const struct options *o, const char *dir, const char *name,
                      struct lines *lines, struct follow *follow, struct error *reterr)
{
    struct walk walk;
    struct slice line;
    uint64_t end = 0; /* of the newest line of the current file */
    bool has_end = false;

    int r = walk_open(&walk, dir, name, reterr);
    if (r < 0)
        return r;
    while (lines->count < o->limit) {
        enum walk_step step = walk_next(&walk, &line);
        if (step == WALK_STEP_END)
            break;
        if (step == WALK_STEP_FILE)
            has_end = true; /* the current file has no line: from its start */
        if (step != WALK_STEP_LINE)
            continue;
        if (!has_end)
            end = walk.offset + line.len + 1;
        has_end = true;
        lines_add(lines, line);
    }
    if (walk.current_fd >= 0)
        follow_open(follow, dir, name, dup(walk.current_fd), walk.current_number, end);
    else /* there is none, or the newest is being rotated just now */
        follow_open(follow, dir, name, -1, trace_files_next_number(&walk.files) - 1, 0);
    walk_close(&walk);
    return 0;
}

/* Until something may have been added. False: nobody reads what we print. */
static bool wait_for_more(int inotify_fd)
{
    struct pollfd fds[] = {
        {.fd = STDOUT_FILENO}, /* told of errors alone */
        {.fd = inotify_fd, .events = POLLIN},
    };
    char events[4096];

    (void)poll(fds, ARRAY_LEN(fds), WAIT_MS);
    (void)!read(inotify_fd, events, sizeof events); /* what it says does not matter */
    return (fds[0].revents & (POLLERR | POLLHUP)) == 0;
}

static void follow_on(const char *dir, struct follow *follow)
{
    struct slice line;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    /* Without it the clock must do. */
    (void)inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    do {
        while (follow_next(follow, &line)) {
            (void)fwrite(line.p, 1, line.len, stdout);
            (void)putchar('\n');
        }
    } while (fflush(stdout) == 0 && wait_for_more(fd));
    if (fd >= 0)
        (void)close(fd);
}

int cmd_tail(int argc, char **argv)
{
    struct options o = {.command = "tail", .limit = TAIL_LINES};
    struct lines lines = {0};
    struct follow follow;
    struct error error;
    char *dir = NULL;

    int code = parse_tail(&o, argc, argv);
    if (code == EXIT_CODE_CLEAN)
        code = log_dir(&o, &dir);
    if (code != EXIT_CODE_CLEAN)
        return code;
    int r = last_lines(&o, dir, o.is_json ? "mail_json" : "mail_logs", &lines, &follow, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern tail: %s\n", error.text);
        free(dir);
        return EXIT_CODE_STATE;
    }
    for (size_t i = lines.count; i-- > 0;)
        (void)puts(lines.items[i]);
    lines_finish(&lines);
    if (o.is_following)
        follow_on(dir, &follow);
    follow_close(&follow);
    free(dir);
    return code;
}
