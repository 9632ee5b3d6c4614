/* Rotation of mail_logs and mail_json: by size, at a line's edge, under numbers that only grow,
 * each file for itself; nothing is lost, torn or written over, whatever happens in between. */
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "dir_help.h"
#include "trace/files.h"
#include "trace/sink_log.h"
#include "trace/zone.h"

#define WHEN 1795521709123

enum { SMALL = 4096 };

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-test-rotate-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return help_dir_remove(dir);
}

static struct trace *start(uint64_t rotate_bytes, uint32_t keep_files)
{
    struct trace *trace = NULL;
    struct error error = {.text = ""};
    const struct trace_settings settings = {
        .dir = dir, .timezone = "UTC", .rotate_bytes = rotate_bytes, .keep_files = keep_files};
    if (trace_create(&settings, &trace, &error) < 0)
        fail_msg("%s", error.text);
    return trace;
}

/* One line each, `ICID n close`, from FIRST on. */
static void emit(struct trace *trace, uint64_t first, size_t count)
{
    for (uint64_t icid = first; icid < first + count; icid++)
        TRACE_EMIT(trace, WHEN, icid_close, .icid = icid);
    trace_flush(trace);
}

static struct trace_files list(const char *name)
{
    struct trace_files files;
    struct error error;
    assert_int_equal(trace_files_list(dir, name, &files, &error), 0);
    return files;
}

static uint64_t size_of(const char *name, uint64_t number)
{
    struct stat st;
    SCOPED(mem_free_at) char *path = trace_files_path(dir, name, number);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

/* The ICIDs of one file's lines follow one another from *NEXT on; every line is whole. */
static void check_lines(const char *name, uint64_t number, const char *before, uint64_t *next)
{
    struct buf buf;
    struct error error;
    SCOPED(mem_free_at) char *path = trace_files_path(dir, name, number);
    buf_init(&buf, 0);
    assert_int_equal(file_read(path, &buf, &error), 0);
    for (struct slice rest = buf_slice(&buf); rest.len > 0;) {
        assert_true(slice_find(rest, '\n') < rest.len);
        assert_int_equal(rest.p[0], strcmp(name, "mail_json") == 0 ? '{' : 'T');
        SCOPED(mem_free_at) char *line = slice_dup(slice_cut(&rest, '\n'));
        SCOPED(mem_free_at)
        char *expected = mem_printf("%s%llu", before, (unsigned long long)*next);
        const char *found = strstr(line, before);
        assert_non_null(found);
        assert_memory_equal(found, expected, strlen(expected));
        (*next)++;
    }
    buf_finish(&buf);
}

/* All files in order hold lines FIRST..LAST-1; returns how many were rotated. */
static size_t check_all(const char *name, const char *before, uint64_t first, uint64_t last)
{
    struct trace_files files = list(name);
    size_t count = files.count;
    for (size_t i = 0; i < count; i++)
        check_lines(name, files.numbers[i], before, &first);
    check_lines(name, 0, before, &first);
    assert_int_equal(first, last);
    trace_files_finish(&files);
    return count;
}

/* While it runs: the file that is too large now goes with the next line, then the old ones. */
static void limits_change(void **state)
{
    (void)state;
    struct trace *trace = start(UINT64_MAX, 1000);
    emit(trace, 0, 1000);
    assert_int_equal(check_all("mail_logs", "ICID ", 0, 1000), 0);
    trace_change(trace, &(struct trace_settings){
                            .timezone = "UTC", .rotate_bytes = SMALL, .keep_files = 1000});
    emit(trace, 1000, 1);
    assert_int_equal(check_all("mail_logs", "ICID ", 0, 1001), 1);
    emit(trace, 1001, 1000);
    assert_true(check_all("mail_logs", "ICID ", 0, 2001) > 5);
    trace_change(
        trace, &(struct trace_settings){.timezone = "UTC", .rotate_bytes = SMALL, .keep_files = 2});
    emit(trace, 2001, 100);
    struct trace_files files = list("mail_logs");
    assert_int_equal(files.count, 2);
    trace_files_finish(&files);
    trace_destroy(trace);
}

static void lines_go_on_in_the_next_file(void **state)
{
    (void)state;
    struct trace *trace = start(SMALL, 1000);
    for (uint64_t i = 0; i < 1000; i += 10)
        emit(trace, i, 10);
    emit(trace, 1000, 2000); /* many files in one flush */
    uint64_t counts[TRACE_EVENT_COUNT];
    assert_int_equal(trace_counts(trace, counts), 0);
    assert_int_equal(counts[TRACE_ICID_CLOSE], 3000);
    trace_destroy(trace);
    size_t text = check_all("mail_logs", "ICID ", 0, 3000);
    size_t json = check_all("mail_json", "\"icid\":", 0, 3000);
    assert_true(text > 20 && json > text); /* its lines are longer: it rotates more often */
    struct trace_files files = list("mail_json");
    for (size_t i = 0; i < files.count; i++) {
        assert_int_equal(files.numbers[i], i + 1);
        uint64_t size = size_of("mail_json", files.numbers[i]);
        assert_true(size <= SMALL && size > SMALL - 120);
    }
    trace_files_finish(&files);
}

static void the_newest_are_kept_and_no_name_comes_back(void **state)
{
    (void)state;
    struct trace *trace = start(SMALL, 3);
    emit(trace, 0, 2000);
    struct trace_files files = list("mail_logs");
    assert_int_equal(files.count, 3);
    uint64_t newest = files.numbers[2];
    assert_true(newest > 10 && files.numbers[0] == newest - 2);
    trace_files_finish(&files);
    /* Somebody removes them all: the process knows better than to begin again. */
    for (uint64_t number = newest - 2; number <= newest; number++) {
        SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_logs", number);
        assert_int_equal(unlink(path), 0);
    }
    emit(trace, 2000, 100);
    files = list("mail_logs");
    assert_true(files.count >= 1 && files.numbers[0] == newest + 1);
    newest = files.numbers[files.count - 1];
    trace_files_finish(&files);
    trace_destroy(trace);
    /* The next process finds the number in the directory. */
    trace = start(SMALL, 3);
    emit(trace, 2100, 100);
    trace_destroy(trace);
    files = list("mail_logs");
    assert_true(files.numbers[files.count - 1] > newest);
    trace_files_finish(&files);
}

static void nothing_is_written_over(void **state)
{
    (void)state;
    static const char *const others[] = {"mail_logs.2", "mail_logs.x", "mail_logs.07",
                                         "mail_logs.9y"};
    struct trace *trace = start(SMALL, 1000);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, others[i]);
        FILE *other = fopen(path, "w");
        assert_non_null(other);
        assert_true(fputs("ICID 1", other) >= 0);
        assert_int_equal(fclose(other), 0);
    }
    emit(trace, 0, 500);
    trace_destroy(trace);
    assert_int_equal(size_of("mail_logs", 2), 6);
    struct trace_files files = list("mail_logs");
    assert_true(files.count > 3 && files.numbers[0] == 1 && files.numbers[1] == 2 &&
                files.numbers[2] == 3);
    trace_files_finish(&files);
    for (size_t i = 1; i < ARRAY_LEN(others); i++) {
        SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, others[i]);
        assert_int_equal(access(path, F_OK), 0);
    }
}

/* logrotate's way, with a signal, beside ours. */
static void reopening_still_works(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_logs", 0);
    SCOPED(mem_free_at) char *moved = trace_files_path(dir, "mail_logs", 77);
    struct trace *trace = start(SMALL, 1000);
    emit(trace, 0, 50);
    assert_int_equal(rename(path, moved), 0);
    emit(trace, 50, 250); /* all of it goes after the file that was moved away */
    assert_int_equal(access(path, F_OK), -1);
    FILE *made = fopen(path, "w");
    assert_true(made != NULL && fclose(made) == 0);
    emit(trace, 300, 250); /* and nothing happens to one that somebody else has made */
    assert_true(size_of("mail_logs", 77) > 4 * SMALL);
    assert_int_equal(size_of("mail_logs", 0), 0);
    trace_reopen(trace);
    emit(trace, 550, 1); /* to either; after this it has reopened */
    emit(trace, 551, 499);
    trace_destroy(trace);
    assert_true(check_all("mail_logs", "ICID ", 0, 1050) > 4);
    struct trace_files files = list("mail_logs");
    assert_int_equal(files.numbers[0], 77);
    assert_int_equal(files.numbers[1], 78);
    trace_files_finish(&files);
    (void)check_all("mail_json", "\"icid\":", 0, 1050);
}

static struct sink_log open_sink(uint64_t rotate_bytes)
{
    struct sink_log sink;
    struct error error = {.text = ""};
    const struct sink_log_settings settings = {.dir = dir,
                                               .text_name = "mail_logs",
                                               .json_name = "mail_json",
                                               .rotate_bytes = rotate_bytes,
                                               .keep_files = 1000};
    trace_zone_set("UTC");
    if (sink_log_open(&sink, &settings, &error) < 0)
        fail_msg("%s", error.text);
    return sink;
}

static void add(struct sink_log *sink, uint64_t first, size_t count)
{
    for (uint64_t icid = first; icid < first + count; icid++) {
        struct trace_record *record = TRACE_PACK(WHEN, icid_close, .icid = icid);
        sink_log_add(sink, record);
        trace_record_destroy(record);
    }
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The kernel takes half a line and refuses the rest for a while. */
static void a_torn_line_is_made_whole(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_json", 0);
    SCOPED(mem_free_at) char *moved = trace_files_path(dir, "mail_json", 5);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    struct sink_log sink = open_sink(SMALL);
    add(&sink, 0, 20);
    limit_files(1000);
    assert_false(sink_log_flush(&sink));
    assert_int_equal(size_of("mail_json", 0), 1000); /* in the middle of a line */
    limit_files(RLIM_INFINITY);
    assert_true(sink_log_flush(&sink));
    add(&sink, 20, 100); /* through a rotation */
    assert_true(sink_log_flush(&sink));
    assert_int_equal(check_all("mail_json", "\"icid\":", 0, 120), 2);

    /* Another file by the time it may go on: there the line stands whole, once. */
    add(&sink, 120, 10);
    uint64_t size = size_of("mail_json", 0);
    limit_files(size + 100);
    assert_false(sink_log_flush(&sink));
    assert_int_equal(rename(path, moved), 0);
    sink_log_reopen(&sink); /* cannot be finished there any more */
    limit_files(RLIM_INFINITY);
    assert_true(sink_log_flush(&sink));
    sink_log_close(&sink);
    uint64_t next = 121;
    check_lines("mail_json", 0, "\"icid\":", &next);
    assert_int_equal(next, 130);
    next = 0;
    (void)check_all("mail_logs", "ICID ", 0, 130);
}

/* Rotation that fails (here: the directory is gone) costs nothing but a long file. */
static void lines_go_on_when_rotation_fails(void **state)
{
    (void)state;
    char parent[sizeof(dir)], moved[80];
    struct sink_log sink = open_sink(SMALL);
    add(&sink, 0, 50);
    assert_true(sink_log_flush(&sink));
    memcpy(parent, dir, sizeof(dir));
    (void)snprintf(moved, sizeof(moved), "%s-moved", dir);
    assert_int_equal(rename(dir, moved), 0);
    add(&sink, 50, 200);
    assert_true(sink_log_flush(&sink));
    assert_int_equal(rename(moved, dir), 0);
    size_t rotated = check_all("mail_logs", "ICID ", 0, 250);
    assert_int_equal(rotated, 0);
    assert_true(size_of("mail_logs", 0) > 2 * SMALL);
    /* It works again, and is tried again. */
    add(&sink, 250, 200);
    assert_true(sink_log_flush(&sink));
    sink_log_close(&sink);
    assert_true(check_all("mail_logs", "ICID ", 0, 450) >= 1);
}

/* A line longer than a whole file, and a file that was too large at start. */
static void sizes_that_do_not_fit(void **state)
{
    (void)state;
    struct sink_log sink = open_sink(0);
    add(&sink, 0, 200);
    assert_true(sink_log_flush(&sink));
    sink_log_close(&sink);
    assert_true(size_of("mail_logs", 0) > SMALL);
    sink = open_sink(20);
    add(&sink, 200, 10);
    assert_true(sink_log_flush(&sink));
    sink_log_close(&sink);
    assert_int_equal(check_all("mail_logs", "ICID ", 0, 210), 10);
    assert_int_equal(check_all("mail_json", "\"icid\":", 0, 210), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_go_on_in_the_next_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_are_kept_and_no_name_comes_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_written_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reopening_still_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_torn_line_is_made_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_go_on_when_rotation_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_that_do_not_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
