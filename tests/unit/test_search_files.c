/* The search in mail_json and its files: pages that hold each line once whatever happens to the
 * files meanwhile, and bytes that are not ours. */
#include <pthread.h>
#include <stdatomic.h>

#include "search_help.h"

/* ---- pages ---- */

static void pages_hold_each_line_once(void **state)
{
    (void)state;
    enum { LINES = 700 };
    static const size_t limits[] = {1, 7, 100, LINES - 1, LINES, LINES + 1, SEARCH_LIMIT_MAX};
    start(SMALL);
    emit(0, LINES);
    for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
        assert_int_equal(walk_pages(&seen, (struct search_query){.limit = limits[l]}), LINES);
        for (size_t i = 0; i < LINES; i++)
            check_icid(i, LINES - 1 - i);
        assert_int_equal(seen.empty_pages, 0);
        assert_int_equal(seen.pages, (LINES + limits[l] - 1) / limits[l]);
    }
}

static void a_cursor_outlives_rotation(void **state)
{
    (void)state;
    char next[SEARCH_CURSOR_MAX];
    struct search_query query = {.limit = 10};
    start(SMALL);
    emit(0, 100);
    for (uint64_t round = 0; round < 10; round++) {
        page(&seen, &query, next);
        emit(100 + 100 * round, 100); /* more than two files */
    }
    assert_int_equal(seen.count, 100);
    for (size_t i = 0; i < 100; i++)
        check_icid(i, 99 - i);
    assert_string_equal(next, "");
}

static void a_cursor_outlives_its_file(void **state)
{
    (void)state;
    char next[SEARCH_CURSOR_MAX];
    struct search_query query = {.limit = 60};
    start(SMALL);
    emit(0, 200);
    page(&seen, &query, next);
    unsigned long long number, offset;
    assert_int_equal(sscanf(next, "r.%llu.%llu", &number, &offset), 2);
    assert_true(number > 1 && offset > 0);
    SCOPED(mem_free_at) char *path = trace_files_path(dir, "mail_json", number);
    struct buf buf;
    struct error error;
    size_t lost = 0;
    buf_init(&buf, 0);
    assert_int_equal(file_read(path, &buf, &error), 0);
    for (size_t i = 0; i < offset; i++)
        lost += buf_slice(&buf).p[i] == '\n' ? 1 : 0;
    buf_finish(&buf);
    assert_int_equal(unlink(path), 0);
    query.limit = SEARCH_LIMIT_MAX;
    page(&seen, &query, next);
    assert_string_equal(next, "");
    check_icid(seen.count - 1, 0);
    /* What it would have read on in that file is missing, nothing else. */
    assert_true(lost > 0);
    assert_int_equal(seen.count, 200 - lost);
}

/* Between the first and the last step of a rotation both names are the same file. */
static void a_rotation_under_way_doubles_nothing(void **state)
{
    (void)state;
    start(SMALL);
    emit(0, 60);
    size_t count = find((struct search_query){0});
    SCOPED(mem_free_at) char *current = trace_files_path(dir, "mail_json", 0);
    SCOPED(mem_free_at) char *rotated = trace_files_path(dir, "mail_json", 2);
    assert_int_equal(link(current, rotated), 0);
    assert_int_equal(find((struct search_query){0}), count);
    assert_int_equal(walk_pages(&seen, (struct search_query){.limit = 3}), count);
}

enum { WRITTEN = 20000 };

static void *write_lines(void *arg)
{
    _Atomic bool *is_done = arg;
    for (uint64_t icid = 0; icid < WRITTEN; icid += 20)
        emit(icid, 20);
    atomic_store(is_done, true);
    return NULL;
}

/* Whole walks while files are written and rotated: from the newest line there was down to the
 * first, without a gap and without a line twice. */
static void a_search_beside_a_writer_sees_no_gap(void **state)
{
    (void)state;
    pthread_t writer;
    _Atomic bool is_done = false;
    start(SMALL);
    emit(WRITTEN, 1);
    assert_int_equal(pthread_create(&writer, NULL, write_lines, &is_done), 0);
    size_t walks = 0;
    for (bool is_last = false; !is_last; walks++) {
        struct search_query query = {.limit = 200};
        char next[SEARCH_CURSOR_MAX];
        is_last = atomic_load(&is_done);
        forget(&seen);
        for (size_t pages = 0; pages < 5; pages++) {
            page(&seen, &query, next);
            if (next[0] == '\0')
                break;
        }
        unsigned long long newest = 0;
        assert_true(seen.count > 0);
        assert_int_equal(sscanf(strstr(seen.lines[0], "\"icid\":"), "\"icid\":%llu}", &newest), 1);
        for (size_t i = 0; i < seen.count && newest != WRITTEN; i++)
            check_icid(i, newest >= i ? newest - i : WRITTEN);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_true(walks > 1);
}

/* ---- what is not ours ---- */

#define GOOD(n)                                                                                    \
    "{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\",\"event\":\"icid_close\","          \
    "\"icid\":" n "}"

static void hostile_bytes_are_passed_over(void **state)
{
    (void)state;
    static const char text[] =
        "\n\n{}\n[]\n\"\"\nnull\n"
        "{\"time\":\"2026-11-24T12:01:49.123Z\"\n"                        /* cut off */
        "{\"time\":\"2026-11-24T12:01:49.123Z\",\"icid\":1,\"icid\":2}\n" /* twice */
        "{\"time\":\"2026-11-24T12:01:49.123Z\",\"icid\":99999999999999999999}\n"
        "{\"time\":\"2026-11-24T12:01:49.123Z\",\"x\":\"\xff\"}\n"
        "{\"time\":\"2026-11-24T12:01:49.123Z\",\"x\":\"\0\"}\n"
        " " GOOD("90") "\n" GOOD(
            "91") "{}\n"
                  "{\"Time\":\"2026-11-24T12:01:49.123Z\",\"icid\":92}\n" GOOD(
                      "1") "\r\n" /* blank at the end: JSON */
                           "{\"time\":\"2026-11-24T12:01:49.123Z\",\"icid\":{\"mid\":5},\"mid\":[5]"
                           "}\n"
                           "{\"time\":\"2026-11-24T12:01:49.123Z\",\"x\":[[[[[[[[[[1]]]]]]]]]]}\n"
                           "{\"time\":\"2026-11-24T12:01:49.123Z\",\"icid\":-1}\n" GOOD(
                               "2") "\n" GOOD("3"); /* no line feed: it is still being written */
    put("mail_json", slice_of(text, sizeof(text) - 1));
    assert_int_equal(find((struct search_query){0}), 5);
    assert_int_equal(find((struct search_query){.icid = 1}), 1);
    assert_int_equal(find((struct search_query){.mid = 5}), 0);
    assert_int_equal(find((struct search_query){.icid = UINT64_MAX}), 0);
    assert_int_equal(find_text("icid_close"), 2);
}

/* Lines of every length around that of a block, too long ones among them, garbage between. */
static void long_lines_do_not_matter(void **state)
{
    (void)state;
    static const size_t lengths[] = {1,
                                     WALK_BLOCK_BYTES - 120,
                                     WALK_BLOCK_BYTES - 1,
                                     WALK_BLOCK_BYTES,
                                     WALK_BLOCK_BYTES + 1,
                                     3 * WALK_BLOCK_BYTES,
                                     WALK_LINE_MAX - 1,
                                     WALK_LINE_MAX,
                                     WALK_LINE_MAX + 1,
                                     5 * WALK_BLOCK_BYTES + 17,
                                     3 * WALK_LINE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct buf buf;
        buf_init(&buf, 0);
        assert_true(buf_append_str(&buf, GOOD("1") "\n"));
        char *garbage = buf_reserve(&buf, lengths[i]);
        assert_non_null(garbage);
        memset(garbage, i % 2 == 0 ? 'x' : '\0', lengths[i]);
        buf_commit(&buf, lengths[i]);
        assert_true(buf_append_str(&buf, "\n" GOOD("2") "\n"));
        put("mail_json", buf_slice(&buf));
        assert_int_equal(find((struct search_query){0}), 2);
        assert_int_equal(walk_pages(&other, (struct search_query){.limit = 1, .budget_bytes = 1}),
                         2);
        check_same();
        check_icid(0, 2);
        check_icid(1, 1);
        buf_finish(&buf);
    }
    /* A long one that is ours is given out up to the limit. */
    for (size_t extra = 0; extra < 2; extra++) {
        struct buf buf;
        buf_init(&buf, 0);
        static const char head[] = "{\"time\":\"2026-11-24T12:01:49.123Z\",\"x\":\"";
        size_t fill_bytes = WALK_LINE_MAX + extra - (sizeof(head) - 1) - 2;
        assert_true(buf_append_str(&buf, head));
        char *at = buf_reserve(&buf, fill_bytes);
        assert_non_null(at);
        memset(at, 'y', fill_bytes);
        buf_commit(&buf, fill_bytes);
        assert_true(buf_append_str(&buf, "\"}\n" GOOD("2") "\n"));
        put("mail_json", buf_slice(&buf));
        assert_int_equal(find((struct search_query){0}), 2 - extra);
        buf_finish(&buf);
    }
}

/* Nor do they cost memory. */
static void too_long_lines_are_dropped_on_the_way(void **state)
{
    (void)state;
    enum { HUGE = 16 * 1048576 };
    struct walk walk;
    struct error error;
    struct slice line;
    char *bytes = mem_alloc(HUGE);
    memset(bytes, 'x', HUGE);
    put("mail_json", slice_of(bytes, HUGE));
    bytes[HUGE - 1] = '\n';
    put("mail_json.1", slice_of(bytes, HUGE));
    free(bytes);
    assert_int_equal(walk_open(&walk, dir, "mail_json", &error), 0);
    size_t steps = 0;
    for (enum walk_step step = WALK_STEP_BLOCK; step != WALK_STEP_END; steps++) {
        step = walk_next(&walk, &line);
        assert_true(step != WALK_STEP_LINE);
    }
    assert_int_equal(steps, 2 * (HUGE / WALK_BLOCK_BYTES) + 2);
    assert_true(walk.size_bytes <= WALK_LINE_MAX + 2 * WALK_BLOCK_BYTES);
    assert_true(walk_is_at_end(&walk));
    walk_close(&walk);
}

static void a_page_of_long_lines_ends_early(void **state)
{
    (void)state;
    enum { LINES = 40, FILL = 500000 };
    struct buf buf;
    buf_init(&buf, 0);
    for (size_t i = 0; i < LINES; i++) {
        assert_true(buf_append_str(&buf, "{\"time\":\"2026-11-24T12:01:49.123Z\",\"x\":\""));
        char *at = buf_reserve(&buf, FILL);
        assert_non_null(at);
        memset(at, 'y', FILL);
        buf_commit(&buf, FILL);
        assert_true(buf_append_str(&buf, "\"}\n"));
    }
    put("mail_json", buf_slice(&buf));
    buf_finish(&buf);
    assert_int_equal(find((struct search_query){0}), LINES);
    assert_true(seen.pages >= 4 && seen.pages <= 6);
}

static void other_things_in_the_directory_are_left_alone(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *folder = trace_files_path(dir, "mail_json", 3);
    SCOPED(mem_free_at) char *fifo = trace_files_path(dir, "mail_json", 4);
    assert_int_equal(find((struct search_query){0}), 0); /* nothing at all */
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    put("mail_json.2", SLICE(GOOD("2") "\n"));
    put("mail_json.9", SLICE(""));
    put("mail_json.old", SLICE(GOOD("5") "\n"));
    assert_int_equal(find((struct search_query){0}), 1); /* no current file */
    put("mail_json", SLICE(GOOD("3") "\n"));
    assert_int_equal(find((struct search_query){0}), 2);
    check_icid(0, 3);
    check_icid(1, 2);
    struct search_result result;
    struct error error = {.text = ""};
    const struct search_query query = {.limit = 1};
    assert_int_equal(
        search_run("/nonexistent", "mail_json", clock_system(), &query, &result, &error), ERR_IO);
    assert_non_null(strstr(error.text, "/nonexistent"));
}

static void a_cursor_is_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"r",
                                      "r.",
                                      "r.1",
                                      "r.1.",
                                      "r.1.2.3",
                                      "x.1.2",
                                      "c.1.2",
                                      "r.-1.2",
                                      "r.1.2x",
                                      "R.1.2",
                                      "r.1.99999999999999999999",
                                      " r.1.2",
                                      "r..1.2",
                                      "r.1.2."};
    static const char *const any[] = {"r.0.0",  "r.1.0",
                                      "r.1.1",  "r.1.50",
                                      "r.5.50", "r.18446744073709551615.18446744073709551615"};
    start(SMALL);
    emit(0, 10);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct search_result result;
        struct error error;
        const struct search_query query = {.limit = 1, .cursor = slice_str(bad[i])};
        if (strcmp(bad[i], "r.1.2.") == 0)
            continue; /* the same as without the last dot */
        if (search_run(dir, "mail_json", clock_system(), &query, &result, &error) != ERR_INVALID)
            fail_msg("%s is taken", bad[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(any); i++) {
        struct search_result result;
        search_one(&(struct search_query){.limit = 20, .cursor = slice_str(any[i])}, &result);
        for (size_t n = 0; n < result.count; n++)
            assert_int_equal(result.lines[n].p[0], '{');
        search_result_finish(&result);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages_hold_each_line_once),
        TEST(a_cursor_outlives_rotation),
        TEST(a_cursor_outlives_its_file),
        TEST(a_rotation_under_way_doubles_nothing),
        TEST(a_search_beside_a_writer_sees_no_gap),
        TEST(hostile_bytes_are_passed_over),
        TEST(long_lines_do_not_matter),
        TEST(too_long_lines_are_dropped_on_the_way),
        TEST(a_page_of_long_lines_ends_early),
        TEST(other_things_in_the_directory_are_left_alone),
        TEST(a_cursor_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
