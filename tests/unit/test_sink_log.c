/* The log thread and its files: nothing lost in order, rotation, a full disk, more than fits.
 * Real threads and files, but no sleep: trace_flush and trace_destroy are the only waits. */
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "dir_help.h"

#define WHEN 1795521709123

struct fixture {
    char dir[64];
    char log_dir[80], text_path[100], json_path[100], old_path[100];
};

static int set_up(void **state)
{
    struct fixture *f = MEM_NEW(struct fixture);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/postern-test-trace-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->log_dir, sizeof(f->log_dir), "%s/log", f->dir);
    (void)snprintf(f->text_path, sizeof(f->text_path), "%s/mail_logs", f->log_dir);
    (void)snprintf(f->json_path, sizeof(f->json_path), "%s/mail_json", f->log_dir);
    (void)snprintf(f->old_path, sizeof(f->old_path), "%s/mail_logs.1", f->log_dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)help_dir_remove(f->dir);
    free(f);
    return 0;
}

static struct trace *start(struct fixture *f, size_t buffer_bytes)
{
    struct trace *trace = NULL;
    struct error error = {.text = ""};
    int r = trace_create(&(struct trace_settings){.dir = f->log_dir,
                                                  .timezone = "UTC",
                                                  .buffer_bytes = buffer_bytes},
                         &trace, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    return trace;
}

static void read_all(const char *path, struct buf *buf)
{
    struct error error;
    buf_init(buf, 0);
    if (file_read(path, buf, &error) < 0)
        fail_msg("%s", error.text);
}

static size_t count_lines(const char *path)
{
    struct buf buf;
    read_all(path, &buf);
    size_t count = 0;
    for (size_t i = 0; i < buf_len(&buf); i++)
        count += buf_slice(&buf).p[i] == '\n' ? 1 : 0;
    buf_finish(&buf);
    return count;
}

static void flush_puts_both_lines_into_the_files(void **state)
{
    struct fixture *f = *state;
    struct trace *trace = start(f, 0);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 4);
    trace_flush(trace);
    struct buf buf;
    read_all(f->text_path, &buf);
    assert_string_equal(buf_cstr(&buf), "Tue Nov 24 12:01:49 2026 Info: ICID 4 close\n");
    buf_finish(&buf);
    read_all(f->json_path, &buf);
    assert_string_equal(buf_cstr(&buf), "{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\","
                                        "\"event\":\"icid_close\",\"icid\":4}\n");
    buf_finish(&buf);
    trace_change(trace, &(struct trace_settings){.timezone = "KST-9"});
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 5);
    trace_destroy(trace);
    read_all(f->text_path, &buf);
    assert_non_null(strstr(buf_cstr(&buf), "\nTue Nov 24 21:01:49 2026 Info: ICID 5 close\n"));
    buf_finish(&buf);
}

enum { THREADS = 4, EVENTS = 5000 };

struct writer {
    struct trace *trace;
    uint64_t id;
};

static void *write_events(void *arg)
{
    struct writer *w = arg;
    for (uint64_t i = 0; i < EVENTS; i++)
        TRACE_EMIT(w->trace, WHEN, mid_start, .mid = i, .icid = w->id);
    return NULL;
}

static void destroy_writes_what_all_threads_gave_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct trace *trace = start(f, 0);
    pthread_t threads[THREADS];
    struct writer writers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.trace = trace, .id = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_events, &writers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    uint64_t counts[TRACE_EVENT_COUNT];
    assert_true(trace_counts(trace, counts) == 0);
    assert_true(counts[TRACE_MID_START] == (uint64_t)THREADS * EVENTS);
    trace_destroy(trace);

    assert_int_equal(count_lines(f->json_path), THREADS * EVENTS);
    struct buf buf;
    read_all(f->text_path, &buf);
    uint64_t next[THREADS] = {0};
    for (struct slice rest = buf_slice(&buf); rest.len > 0;) {
        struct slice line = slice_cut(&rest, '\n');
        char *copy = slice_dup(line);
        unsigned long mid, icid;
        assert_int_equal(
            sscanf(copy, "Tue Nov 24 12:01:49 2026 Info: Start MID %lu ICID %lu", &mid, &icid), 2);
        assert_true(icid < THREADS && next[icid] == mid);
        next[icid]++;
        free(copy);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_true(next[i] == EVENTS);
    buf_finish(&buf);
}

static void reopen_follows_a_rotation(void **state)
{
    struct fixture *f = *state;
    struct trace *trace = start(f, 0);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 1);
    trace_flush(trace);
    assert_int_equal(rename(f->text_path, f->old_path), 0);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 2);
    trace_flush(trace); /* still the old file */
    trace_reopen(trace);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 3);
    trace_flush(trace);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 4);
    trace_destroy(trace);
    size_t old = count_lines(f->old_path), new = count_lines(f->text_path);
    assert_true(old >= 2 && new >= 1); /* the third may go to either */
    assert_int_equal(old + new, 4);
    assert_int_equal(count_lines(f->json_path), 4);
}

static void a_full_disk_loses_no_line_that_fits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->log_dir, 0700), 0);
    assert_int_equal(symlink("/dev/full", f->text_path), 0);
    struct trace *trace = start(f, 0);
    for (uint64_t i = 0; i < 100; i++)
        TRACE_EMIT(trace, WHEN, icid_close, .icid = i);
    trace_flush(trace);
    assert_int_equal(count_lines(f->json_path), 100); /* the other log goes on */
    assert_int_equal(unlink(f->text_path), 0);
    trace_reopen(trace);
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 100);
    trace_destroy(trace);
    assert_int_equal(count_lines(f->text_path), 101);
}

static void what_does_not_fit_is_counted_and_told(void **state)
{
    struct fixture *f = *state;
    struct trace *trace = start(f, 512);
    static char subject[1000];
    memset(subject, 'x', sizeof(subject));
    TRACE_EMIT(trace, WHEN, mid_subject, .mid = 1, .subject = {subject, sizeof(subject)});
    TRACE_EMIT(trace, WHEN, mid_subject, .mid = 1, .subject = {subject, sizeof(subject)});
    TRACE_EMIT(trace, WHEN, icid_close, .icid = 1);
    uint64_t counts[TRACE_EVENT_COUNT];
    assert_true(trace_counts(trace, counts) == 2);
    assert_true(counts[TRACE_MID_SUBJECT] == 2);
    trace_destroy(trace);
    struct buf buf;
    read_all(f->text_path, &buf);
    assert_non_null(strstr(buf_cstr(&buf), " Warning: Log: 2 lines were dropped, "));
    assert_non_null(strstr(buf_cstr(&buf), " Info: ICID 1 close\n"));
    buf_finish(&buf);
}

static void a_directory_that_cannot_be_used_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct trace *trace = NULL;
    struct error error = {.text = ""};
    (void)snprintf(f->log_dir, sizeof(f->log_dir), "%s/no/log", f->dir);
    assert_true(trace_create(&(struct trace_settings){.dir = f->log_dir, .timezone = "UTC"}, &trace,
                             &error) < 0);
    assert_null(trace);
    assert_non_null(strstr(error.text, f->log_dir));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flush_puts_both_lines_into_the_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(destroy_writes_what_all_threads_gave_in_their_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(reopen_follows_a_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_no_line_that_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_counted_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_used_is_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
