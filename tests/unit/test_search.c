/* The search in mail_json: pages that hold each line once whatever happens to the files meanwhile,
 * every filter, the lines that belong to a message, budgets, and bytes that are not ours. */
#include "trace/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "trace/trace.h"
#include "trace/walk.h"

#define WHEN 1795521709123 /* 2026-11-24T12:01:49.123Z */

enum { SMALL = 4096, SEEN_MAX = 4000 };

static char dir[64];
static struct trace *trace;

/* What a search or a walk through its pages gave: copies. */
static struct seen {
    char *lines[SEEN_MAX];
    size_t count, pages, empty_pages;
    uint64_t read_bytes;
} seen, other;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-test-search-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void forget(struct seen *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i]);
    *s = (struct seen){.count = 0};
}

static int tear_down(void **state)
{
    (void)state;
    forget(&seen);
    forget(&other);
    trace_destroy(trace);
    trace = NULL;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void start(uint64_t rotate_bytes)
{
    struct error error = {.text = ""};
    const struct trace_settings settings = {
        .dir = dir, .timezone = "UTC", .rotate_bytes = rotate_bytes, .keep_files = 1000};
    if (trace_create(&settings, &trace, &error) < 0)
        fail_msg("%s", error.text);
}

static void emit(uint64_t first, size_t count)
{
    for (uint64_t icid = first; icid < first + count; icid++)
        TRACE_EMIT(trace, WHEN, icid_close, .icid = icid);
    trace_flush(trace);
}

/* NAME in the directory gets exactly these bytes. */
static void put(const char *name, struct slice bytes)
{
    SCOPED(mem_free_at) char *path = mem_printf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static void search_one(const struct search_query *query, struct search_result *ret_result)
{
    struct error error = {.text = ""};
    if (search_run(dir, "mail_json", clock_system(), query, ret_result, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(ret_result->count <= query->limit);
}

/* One page into S; its cursor is copied to NEXT. */
static void page(struct seen *s, struct search_query *query, char next[SEARCH_CURSOR_MAX])
{
    struct search_result result;
    search_one(query, &result);
    for (size_t i = 0; i < result.count; i++) {
        assert_true(s->count < SEEN_MAX);
        s->lines[s->count++] = slice_dup(result.lines[i]);
    }
    s->pages++;
    s->empty_pages += result.count == 0 ? 1 : 0;
    s->read_bytes += result.read_bytes;
    assert_true(!result.is_budget_over || result.next[0] != '\0');
    memcpy(next, result.next, SEARCH_CURSOR_MAX);
    query->cursor = slice_str(next);
    search_result_finish(&result);
}

/* All pages; returns how many lines there are. */
static size_t walk_pages(struct seen *s, struct search_query query)
{
    char next[SEARCH_CURSOR_MAX];
    forget(s);
    do {
        page(s, &query, next);
        assert_true(s->pages < 2 * SEEN_MAX);
    } while (next[0] != '\0');
    return s->count;
}

static size_t find(struct search_query query)
{
    query.limit = SEARCH_LIMIT_MAX;
    return walk_pages(&seen, query);
}

static size_t find_text(const char *text)
{
    return find((struct search_query){.text = slice_str(text)});
}

/* Line I of what was seen is about ICID. */
static void check_icid(size_t i, uint64_t icid)
{
    SCOPED(mem_free_at) char *part = mem_printf("\"icid\":%llu}", (unsigned long long)icid);
    assert_true(i < seen.count);
    if (strstr(seen.lines[i], part) == NULL)
        fail_msg("no %s in line %zu: %s", part, i, seen.lines[i]);
}

static void check_same(void)
{
    assert_int_equal(seen.count, other.count);
    for (size_t i = 0; i < seen.count; i++)
        assert_string_equal(seen.lines[i], other.lines[i]);
}

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

/* ---- filters ---- */

static void fill(void)
{
    start(SMALL);
    TRACE_EMIT(trace, WHEN, icid_open, .icid = 1, .interface = SLICE("Data 1"),
               .host = SLICE("mx.Example.test"));
    TRACE_EMIT(trace, WHEN, icid_tls_success, .icid = 1, .protocol = SLICE("TLSv1.3"));
    TRACE_EMIT(trace, WHEN, icid_open, .icid = 11, .host = SLICE("other.test"));
    TRACE_EMIT(trace, WHEN + 1, icid_tls_failed, .icid = 11, .reason = SLICE("no shared cipher"));
    TRACE_EMIT(trace, WHEN + 2, icid_tls_none, .icid = 2, .reason = SLICE("not offered"));
    TRACE_EMIT(trace, WHEN + 3, mid_subject, .mid = 5,
               .subject = SLICE("say \"hello\\\" \xed\x95\x9c\xea\xb8\x80 \x01"));
    TRACE_EMIT(trace, WHEN + 4, dcid_tls_success, .dcid = 1, .protocol = SLICE("TLSv1.2"));
    const struct slice lines[] = {SLICE("4.2.2 Mailbox"), SLICE("is FULL")};
    TRACE_EMIT(trace, WHEN + 5, delayed, .dcid = 1, .mid = 5, .lines = {lines, 2});
    trace_flush(trace);
}

static void filters_find_what_they_name(void **state)
{
    (void)state;
    fill();
    assert_int_equal(find((struct search_query){0}), 8);
    assert_int_equal(find((struct search_query){.icid = 1}), 2);
    assert_int_equal(find((struct search_query){.icid = 11}), 2);
    assert_int_equal(find((struct search_query){.icid = 3}), 0);
    assert_int_equal(find((struct search_query){.dcid = 1}), 2);
    assert_int_equal(find((struct search_query){.tls = SEARCH_TLS_SUCCESS}), 2);
    assert_int_equal(find((struct search_query){.tls = SEARCH_TLS_FAILED}), 1);
    assert_int_equal(find((struct search_query){.tls = SEARCH_TLS_NONE}), 1);
    assert_int_equal(find((struct search_query){.tls = SEARCH_TLS_SUCCESS, .dcid = 1}), 1);
    assert_int_equal(find((struct search_query){.tls = SEARCH_TLS_FAILED, .icid = 1}), 0);
    assert_int_equal(find((struct search_query){.text = SLICE("cipher"), .tls = SEARCH_TLS_FAILED}),
                     1);

    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {"example.TEST", 1},
        {"test", 2},
        {"DATA 1", 1},
        {"\"hello\\\"", 1},      /* what JSON escapes */
        {"\xed\x95\x9c\xea", 1}, /* bytes are bytes */
        {"\xed\x95\x9c\xea\xb8\x80", 1},
        {"\x01", 1},    /* and what we escape */
        {"mailbox", 1}, /* in a list */
        {"is full", 1},
        {"Mailbox is", 0}, /* but not over two items */
        {"icid_tls", 3},   /* the name of the event */
        {"warning", 0},
        {"info", 8},
        {"2026-11-24", 0}, /* not the time */
        {"\"icid\"", 0},   /* not a name */
        {"nothing like this", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (find_text(rows[i].text) != rows[i].count)
            fail_msg("%s: %zu lines", rows[i].text, seen.count);
}

static void times_are_inclusive(void **state)
{
    (void)state;
    fill();
    static const struct {
        int64_t from, to;
        size_t count;
    } rows[] = {
        {0, 0, 8},
        {WHEN, WHEN, 3},
        {WHEN + 1, 0, 5},
        {0, WHEN + 4, 7},
        {WHEN + 5, 0, 1},
        {WHEN + 6, 0, 0},
        {0, WHEN - 1, 0},
        {WHEN + 2, WHEN + 4, 3},
        {1, INT64_MAX, 8},
        {INT64_MAX, 0, 0},
        {WHEN + 3, WHEN + 2, 0},
        {0, WHEN + 59999, 8},
        {WHEN - 59999, 0, 8},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (find((struct search_query){.from_ms = rows[i].from, .to_ms = rows[i].to}) !=
            rows[i].count)
            fail_msg("row %zu: %zu lines", i, seen.count);
}

/* Lines that were held back for a reverse name are older than those around them. */
static void a_little_disorder_loses_nothing(void **state)
{
    (void)state;
    start(SMALL);
    for (uint64_t icid = 0; icid < 200; icid++)
        TRACE_EMIT(trace, WHEN + (int64_t)icid * 1000 + (icid % 5 == 0 ? -59000 : 0), icid_close,
                   .icid = icid);
    trace_flush(trace);
    int64_t from = WHEN + 60000, to = WHEN + 120000;
    size_t expected = 0;
    for (int64_t icid = 0; icid < 200; icid++) {
        int64_t when = WHEN + icid * 1000 + (icid % 5 == 0 ? -59000 : 0);
        expected += when >= from && when <= to ? 1 : 0;
    }
    assert_int_equal(find((struct search_query){.from_ms = from, .to_ms = to}), expected);
}

/* A day far back in a large file costs a few blocks. */
static void what_is_too_young_is_jumped_over(void **state)
{
    (void)state;
    enum { LINES = 200000, STEP_MS = 1000 };
    start(0);
    for (uint64_t icid = 0; icid < LINES; icid++) {
        TRACE_EMIT(trace, WHEN + (int64_t)icid * STEP_MS, icid_close, .icid = icid);
        if (icid % 10000 == 0)
            trace_flush(trace);
    }
    trace_flush(trace);
    int64_t from = WHEN + 1000LL * STEP_MS;
    size_t count = find((struct search_query){.from_ms = from, .to_ms = from + 10 * STEP_MS});
    assert_int_equal(count, 11);
    check_icid(0, 1010);
    assert_true(seen.read_bytes < 2 * 1048576);
}

static void rfc3339_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: it is none */
    } rows[] = {
        {"2026-11-24T12:01:49.123Z", WHEN},
        {"2026-11-24T12:01:49.123456789z", WHEN},
        {"2026-11-24t12:01:49.1Z", WHEN - 23},
        {"2026-11-24T12:01:49Z", WHEN - 123},
        {"2026-11-24T21:01:49.123+09:00", WHEN},
        {"2026-11-24T11:31:49.123-00:30", WHEN},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"1970-01-01T00:00:00Z", 0},
        {"2025-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-11-24T24:00:00Z", -1},
        {"2026-11-24T12:60:00Z", -1},
        {"2026-11-24T12:01:61Z", -1},
        {"2026-11-24T12:01:49", -1},
        {"2026-11-24T12:01:49.Z", -1},
        {"2026-11-24T12:01:49+9:00", -1},
        {"2026-11-24T12:01:49+24:00", -1},
        {"2026-11-24T12:01:49Z ", -1},
        {"2026-11-24 12:01:49Z", -1},
        {"2026-11-24", -1},
        {"+026-11-24T12:01:49Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        bool is_time = search_time_parse(slice_str(rows[i].text), &ms);
        if (is_time != (rows[i].ms >= 0) || ms != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
    enum search_tls tls = SEARCH_TLS_ANY;
    assert_true(search_tls_parse(SLICE("failed"), &tls) && tls == SEARCH_TLS_FAILED);
    assert_true(search_tls_parse(SLICE("none"), &tls) && tls == SEARCH_TLS_NONE);
    assert_true(search_tls_parse(SLICE("success"), &tls) && tls == SEARCH_TLS_SUCCESS);
    assert_false(search_tls_parse(SLICE("any"), &tls));
}

/* ---- a message ---- */

/* Two messages (7 and 8) come on one connection and leave on one, 7 on another before that; their
 * connections' lines stand around theirs. */
static size_t tell_story(void)
{
    const uint16_t rids[] = {0};
    size_t lines = 0;
#define OURS(...)                                                                                  \
    do {                                                                                           \
        TRACE_EMIT(trace, WHEN, __VA_ARGS__);                                                      \
        lines++;                                                                                   \
    } while (0)
#define OTHERS(...) TRACE_EMIT(trace, WHEN, __VA_ARGS__)
    OURS(icid_open, .icid = 3, .host = SLICE("mx.test"));
    OTHERS(icid_open, .icid = 7);
    OTHERS(icid_open, .icid = 33);
    OURS(icid_sender_group, .icid = 3, .group = SLICE("ALL"));
    OURS(icid_tls_success, .icid = 3, .protocol = SLICE("TLSv1.3"));
    OTHERS(mid_start, .mid = 6, .icid = 3);
    OURS(mid_start, .mid = 7, .icid = 3);
    OURS(mid_from, .mid = 7, .icid = 3, .from = SLICE("a@b.test"));
    OTHERS(mid_from, .mid = 6, .icid = 3, .from = SLICE("x@b.test"));
    OURS(mid_queued, .mid = 7);
    OTHERS(mid_start, .mid = 8, .icid = 3);
    OURS(icid_close, .icid = 3);
    OURS(dcid_open, .dcid = 4);
    OURS(dcid_tls_failed, .dcid = 4, .reason = SLICE("expired"));
    OURS(delayed, .dcid = 4, .mid = 7);
    OURS(dcid_close, .dcid = 4);
    OURS(dcid_open, .dcid = 5);
    OURS(dcid_tls_success, .dcid = 5, .protocol = SLICE("TLSv1.3"));
    OTHERS(delivery_start, .dcid = 5, .mid = 8, .rids = {rids, 1});
    OTHERS(message_done, .dcid = 5, .mid = 8, .rids = {rids, 1});
    OURS(delivery_start, .dcid = 5, .mid = 7, .rids = {rids, 1});
    OURS(message_done, .dcid = 5, .mid = 7, .rids = {rids, 1});
    OURS(rid_response, .mid = 7, .rids = {rids, 1}, .response = SLICE("ok"));
    OURS(mid_finished, .mid = 7, .result = SLICE("done"));
    OURS(mid_bounce_of, .mid = 9, .original = 7);
    OTHERS(mid_start, .mid = 9, .icid = 0);
    OTHERS(dcid_open, .dcid = 7);
    OURS(dcid_close, .dcid = 5);
#undef OURS
#undef OTHERS
    trace_flush(trace);
    return lines;
}

static void a_message_has_the_lines_of_its_connections(void **state)
{
    (void)state;
    start(1024); /* over several files */
    size_t lines = tell_story();
    emit(1000, 30);
    assert_int_equal(find((struct search_query){.mid = 7}), lines);
    assert_non_null(strstr(seen.lines[0], "\"event\":\"dcid_close\",\"dcid\":5"));
    assert_non_null(strstr(seen.lines[lines - 1], "\"event\":\"icid_open\",\"icid\":3"));
    for (size_t i = 0; i < lines; i++)
        assert_null(strstr(seen.lines[i], "\"mid\":8"));
    /* By pages, and with so small a budget that both passes are cut to pieces. */
    assert_int_equal(walk_pages(&other, (struct search_query){.mid = 7, .limit = 1}), lines);
    check_same();
    assert_int_equal(
        walk_pages(&other, (struct search_query){.mid = 7, .limit = 5, .budget_bytes = 1}), lines);
    check_same();
    assert_true(other.empty_pages > 1);
    /* With others. */
    assert_int_equal(find((struct search_query){.mid = 7, .tls = SEARCH_TLS_FAILED}), 1);
    assert_int_equal(find((struct search_query){.mid = 7, .icid = 3}), 6);
    assert_int_equal(find((struct search_query){.mid = 7, .text = SLICE("mx.test")}), 1);
    /* One that is not there, and one whose Start line is gone. */
    assert_int_equal(find((struct search_query){.mid = 70}), 0);
    SCOPED(mem_free_at) char *first = trace_files_path(dir, "mail_json", 1);
    assert_int_equal(unlink(first), 0);
    assert_true(find((struct search_query){.mid = 7}) >= 10);
}

static void so_many_connections_of_a_message_are_followed(void **state)
{
    (void)state;
    enum { TRIES = 40 };
    start(SMALL);
    TRACE_EMIT(trace, WHEN, mid_start, .mid = 7, .icid = 1);
    for (uint64_t dcid = 1; dcid <= TRIES; dcid++) {
        TRACE_EMIT(trace, WHEN, dcid_open, .dcid = dcid);
        TRACE_EMIT(trace, WHEN, delayed, .dcid = dcid, .mid = 7);
    }
    trace_flush(trace);
    /* Its own lines all, the openings of the newest. */
    assert_int_equal(find((struct search_query){.mid = 7}), 1 + TRIES + SEARCH_DCIDS_MAX);
    assert_int_equal(walk_pages(&other, (struct search_query){.mid = 7, .limit = 1}), seen.count);
    check_same();
}

/* ---- budgets ---- */

static void a_budget_of_bytes_ends_a_search_not_the_pages(void **state)
{
    (void)state;
    start(SMALL);
    emit(0, 300);
    const struct search_query rare = {.icid = 17, .limit = 5, .budget_bytes = 1};
    assert_int_equal(walk_pages(&seen, rare), 1);
    check_icid(0, 17);
    assert_true(seen.empty_pages > 3);
    struct search_result result;
    search_one(&rare, &result);
    assert_true(result.is_budget_over);
    assert_true(result.read_bytes <= SMALL);
    search_result_finish(&result);
}

/* Each look takes a second. */
static uint64_t hurry_ms(const struct clock *clock)
{
    struct clock_fake *fake = CONTAINER_OF(clock, struct clock_fake, clock);
    fake->now_mono_ms += 1000;
    return fake->now_mono_ms;
}

static void a_budget_of_time_ends_a_search(void **state)
{
    (void)state;
    struct clock_fake fake;
    struct search_result result;
    struct error error;
    struct search_query query = {.icid = 17, .limit = 5};
    start(SMALL);
    emit(0, 1000);
    clock_fake_init(&fake, 0);
    fake.clock.mono_ms = hurry_ms;
    assert_int_equal(search_run(dir, "mail_json", &fake.clock, &query, &result, &error), 0);
    assert_true(result.is_budget_over);
    assert_int_equal(result.count, 0);
    assert_string_not_equal(result.next, "");
    search_result_finish(&result);
    query.budget_ms = 1000000;
    assert_int_equal(search_run(dir, "mail_json", &fake.clock, &query, &result, &error), 0);
    assert_false(result.is_budget_over);
    assert_int_equal(result.count, 1);
    search_result_finish(&result);
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
        TEST(filters_find_what_they_name),
        TEST(times_are_inclusive),
        TEST(a_little_disorder_loses_nothing),
        TEST(what_is_too_young_is_jumped_over),
        TEST(rfc3339_times_are_read),
        TEST(a_message_has_the_lines_of_its_connections),
        TEST(so_many_connections_of_a_message_are_followed),
        TEST(a_budget_of_bytes_ends_a_search_not_the_pages),
        TEST(a_budget_of_time_ends_a_search),
        TEST(hostile_bytes_are_passed_over),
        TEST(long_lines_do_not_matter),
        TEST(too_long_lines_are_dropped_on_the_way),
        TEST(a_page_of_long_lines_ends_early),
        TEST(other_things_in_the_directory_are_left_alone),
        TEST(a_cursor_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
