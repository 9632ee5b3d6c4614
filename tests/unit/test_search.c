/* The search in mail_json: every filter, times, the lines that belong to a message, budgets. */
#include "search_help.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(filters_find_what_they_name),
        TEST(times_are_inclusive),
        TEST(a_little_disorder_loses_nothing),
        TEST(what_is_too_young_is_jumped_over),
        TEST(rfc3339_times_are_read),
        TEST(a_message_has_the_lines_of_its_connections),
        TEST(so_many_connections_of_a_message_are_followed),
        TEST(a_budget_of_bytes_ends_a_search_not_the_pages),
        TEST(a_budget_of_time_ends_a_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
