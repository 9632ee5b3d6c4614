/* Following a log: each line once and in order, however often it is rotated between two looks. */
#include "trace/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "dir_help.h"
#include "trace/files.h"
#include "trace/trace.h"
#include "trace/walk.h"

#define WHEN 1795521709123

enum { SMALL = 1024 };

static char dir[64];
static struct trace *trace;
static struct follow follow;
static uint64_t next; /* the ICID of the next line that must come */

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-test-follow-XXXXXX");
    assert_non_null(mkdtemp(dir));
    follow_open(&follow, dir, "mail_logs", -1, 0, 0);
    next = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    follow_close(&follow);
    trace_destroy(trace);
    trace = NULL;
    return help_dir_remove(dir);
}

static void start(uint32_t keep_files)
{
    struct error error;
    const struct trace_settings settings = {
        .dir = dir, .timezone = "UTC", .rotate_bytes = SMALL, .keep_files = keep_files};
    assert_int_equal(trace_create(&settings, &trace, &error), 0);
}

static void emit(uint64_t first, size_t count)
{
    for (uint64_t icid = first; icid < first + count; icid++)
        TRACE_EMIT(trace, WHEN, icid_close, .icid = icid);
    trace_flush(trace);
}

/* All that is there now, which must be the lines NEXT..LAST-1. */
static void expect_until(uint64_t last)
{
    struct slice line;
    while (follow_next(&follow, &line)) {
        SCOPED(mem_free_at)
        char *expected =
            mem_printf("Tue Nov 24 12:01:49 2026 Info: ICID %llu close", (unsigned long long)next);
        if (!slice_eq(line, slice_str(expected)))
            fail_msg("%.*s instead of %s", SLICE_ARGS(line), expected);
        next++;
    }
    assert_int_equal(next, last);
}

static void every_line_comes_once(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 0, 17, 100, 1, 40, 500, 3};
    expect_until(0); /* there is no file yet */
    start(1000);
    for (size_t i = 0, sum = 0; i < 3 * ARRAY_LEN(steps); i++) {
        emit(sum, steps[i % ARRAY_LEN(steps)]);
        sum += steps[i % ARRAY_LEN(steps)];
        expect_until(sum);
        expect_until(sum);
    }
}

static void one_begins_where_one_says(void **state)
{
    (void)state;
    start(1000);
    emit(0, 10);
    SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_logs", 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    follow_close(&follow);
    size_t line = sizeof("Tue Nov 24 12:01:49 2026 Info: ICID 0 close\n") - 1;
    follow_open(&follow, dir, "mail_logs", fd, 1, 4 * line);
    next = 4;
    expect_until(10);
    emit(10, 90);
    expect_until(100);
}

enum { WRITTEN = 4000 };

static void *write_lines(void *arg)
{
    (void)arg;
    for (uint64_t icid = 0; icid < WRITTEN; icid += 5)
        emit(icid, 5);
    return NULL;
}

/* Asked without a pause while files are written and rotated. */
static void one_follows_a_writer(void **state)
{
    (void)state;
    pthread_t writer;
    struct slice line;
    start(1000000);
    assert_int_equal(pthread_create(&writer, NULL, write_lines, NULL), 0);
    while (next < WRITTEN) {
        if (!follow_next(&follow, &line))
            continue;
        SCOPED(mem_free_at) char *part = mem_printf(": ICID %llu close", (unsigned long long)next);
        if (!slice_ends_nocase(line, slice_str(part)))
            fail_msg("%.*s instead of %s", SLICE_ARGS(line), part);
        next++;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    expect_until(WRITTEN);
}

/* What was removed before it could be read is missing, nothing else. */
static void what_was_thinned_out_is_missing(void **state)
{
    (void)state;
    start(2);
    emit(0, 1);
    expect_until(1);
    emit(1, 499); /* the file that is open loses its name, and is removed */
    struct trace_files files;
    struct error error;
    struct slice line;
    uint64_t last = 0, first_kept = 0;
    assert_int_equal(trace_files_list(dir, "mail_logs", &files, &error), 0);
    assert_int_equal(files.count, 2);
    SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_logs", files.numbers[0]);
    FILE *oldest = fopen(path, "r");
    assert_non_null(oldest);
    assert_int_equal(fscanf(oldest, "Tue Nov 24 12:01:49 2026 Info: ICID %lu", &first_kept), 1);
    assert_int_equal(fclose(oldest), 0);
    trace_files_finish(&files);
    while (follow_next(&follow, &line)) {
        SCOPED(mem_free_at) char *text = slice_dup(line);
        uint64_t icid;
        assert_int_equal(sscanf(text, "Tue Nov 24 12:01:49 2026 Info: ICID %lu close", &icid), 1);
        if (icid != last + 1) {
            assert_true(last < first_kept);
            assert_int_equal(icid, first_kept);
        }
        last = icid;
    }
    assert_int_equal(last, 499);
    assert_true(first_kept > 100);
    next = 500;
    emit(500, 5);
    expect_until(505);
}

/* Both names for the same file for a moment: it is read once, from whichever side one comes. */
static void a_rotation_under_way_doubles_nothing(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *current = trace_files_path(dir, "mail_logs", 0);
    SCOPED(mem_free_at) char *rotated = trace_files_path(dir, "mail_logs", 1);
    start(1000);
    emit(0, 5);
    assert_int_equal(link(current, rotated), 0);
    expect_until(5);
    expect_until(5);
    follow_close(&follow);
    follow_open(&follow, dir, "mail_logs", -1, 1, 0); /* behind the rotated one */
    expect_until(5);
    assert_int_equal(unlink(current), 0);
    expect_until(5);
    trace_reopen(trace);
    emit(5, 1); /* to either; after this it has reopened */
    emit(6, 1);
    struct slice line;
    next = follow_next(&follow, &line) && slice_ends_nocase(line, SLICE("ICID 5 close")) ? 6 : 7;
    expect_until(7);
}

/* Moved away under a high number by somebody else: not read twice. */
static void what_somebody_moved_is_read_once(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *current = trace_files_path(dir, "mail_logs", 0);
    SCOPED(mem_free_at) char *moved = trace_files_path(dir, "mail_logs", 77);
    start(1000);
    emit(0, 5);
    expect_until(5);
    assert_int_equal(rename(current, moved), 0);
    emit(5, 5);
    trace_reopen(trace);
    emit(10, 1); /* to either; after this it has reopened */
    emit(11, 89);
    expect_until(100);
}

static void put(const char *name, const char *bytes, const char *mode)
{
    SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_true(fputs(bytes, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_line(const char *text)
{
    struct slice line;
    bool is_there = follow_next(&follow, &line);
    assert_int_equal(is_there, text != NULL);
    if (is_there && !slice_eq(line, slice_str(text)))
        fail_msg("%.*s instead of %s", SLICE_ARGS(line), text);
}

static void half_a_line_is_waited_for(void **state)
{
    (void)state;
    put("mail_logs", "one\ntw", "w");
    expect_line("one");
    expect_line(NULL);
    put("mail_logs", "o\n", "a");
    expect_line("two");
    put("mail_logs", "\nthr", "a");
    expect_line("");
    expect_line(NULL);
    /* Nobody ends it: the next file begins a line of its own. */
    SCOPED(mem_free_at) char *current = trace_files_path(dir, "mail_logs", 0);
    SCOPED(mem_free_at) char *rotated = trace_files_path(dir, "mail_logs", 1);
    assert_int_equal(rename(current, rotated), 0);
    expect_line(NULL);
    put("mail_logs", "four\n", "w");
    expect_line("four");
    /* Cut off by a rotation that copies: read from the start. */
    put("mail_logs", "1\n", "w");
    expect_line("1");
    expect_line(NULL);
}

static void too_long_a_line_is_passed_over(void **state)
{
    (void)state;
    char *longest = mem_alloc(2 * WALK_LINE_MAX + 1);
    memset(longest, 'x', 2 * WALK_LINE_MAX);
    longest[2 * WALK_LINE_MAX] = '\0';
    put("mail_logs", longest, "w");
    expect_line(NULL);
    assert_true(follow.pending.size_bytes <= 3 * WALK_LINE_MAX);
    put("mail_logs", "still\nshort\n", "a");
    expect_line("short");
    expect_line(NULL);
    free(longest);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_rotation_under_way_doubles_nothing),
        TEST(every_line_comes_once),
        TEST(one_begins_where_one_says),
        TEST(one_follows_a_writer),
        TEST(what_was_thinned_out_is_missing),
        TEST(what_somebody_moved_is_read_once),
        TEST(half_a_line_is_waited_for),
        TEST(too_long_a_line_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
