/* Counters fed by events, and their OpenMetrics text read back by a parser of its own, which is as
 * strict as the text of OpenMetrics 1.0 is about what we use of it. */
#include "trace/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "trace/trace.h"

#define WHEN 1795521709123

static void events_count(void **state)
{
    (void)state;
    const uint16_t rids[] = {0, 1, 2};
    struct metrics_snapshot m;
    struct trace *trace = trace_create_memory(NULL, NULL);
    TRACE_EMIT(trace, WHEN, icid_open, .icid = 1, .host = SLICE("a"));
    TRACE_EMIT(trace, WHEN, icid_tls_success, .icid = 1, .protocol = SLICE("TLSv1.3"));
    TRACE_EMIT(trace, WHEN, icid_open, .icid = 2);
    TRACE_EMIT(trace, WHEN, icid_tls_none, .icid = 2, .reason = SLICE("not offered"));
    TRACE_EMIT(trace, WHEN, mid_start, .mid = 1, .icid = 1);
    TRACE_EMIT(trace, WHEN, mid_rid_to, .mid = 1, .icid = 1, .to = SLICE("a@b.test"));
    TRACE_EMIT(trace, WHEN, mid_rid_to, .mid = 1, .icid = 1, .to = SLICE("b@b.test"));
    TRACE_EMIT(trace, WHEN, mid_rejected_rat, .mid = 1, .icid = 1, .to = SLICE("c@d.test"));
    TRACE_EMIT(trace, WHEN, mid_ready, .mid = 1, .bytes = 321, .from = SLICE("x@y.test"));
    TRACE_EMIT(trace, WHEN, mid_queued, .mid = 1);
    TRACE_EMIT(trace, WHEN, mid_bounce_of, .mid = 2, .original = 1);
    TRACE_EMIT(trace, WHEN, icid_counted, .icid = 2, .messages = 7, .bytes = 1000);
    TRACE_EMIT(trace, WHEN, dcid_open, .dcid = 1);
    TRACE_EMIT(trace, WHEN, dcid_tls_unexpected, .dcid = 1, .code = 454);
    TRACE_EMIT(trace, WHEN, message_done, .dcid = 1, .mid = 1, .rids = {rids, 3});
    TRACE_EMIT(trace, WHEN, delayed, .dcid = 1, .mid = 1);
    TRACE_EMIT(trace, WHEN, bounced, .dcid = 1, .mid = 1);
    TRACE_EMIT(trace, WHEN, double_bounce, .mid = 1);
    TRACE_EMIT(trace, WHEN, connection_error, .dcid = 2);
    TRACE_EMIT(trace, WHEN, connection_error_reply, .dcid = 2);
    trace_metrics(trace, &m);
    trace_destroy(trace);
    struct metrics_snapshot expected = {
        .sessions = 2,
        .connections = 1,
        .connection_errors = 2,
        .messages = 8,
        .reports = 1,
        .recipients = 2,
        .recipients_rejected = 1,
        .bytes = 1321,
        .delivered = 3,
        .delayed = 1,
        .bounced = 2,
    };
    expected.tls[METRICS_DIRECTION_IN][METRICS_TLS_VERSION_1_3][METRICS_TLS_RESULT_SUCCESS] = 1;
    expected.tls[METRICS_DIRECTION_IN][METRICS_TLS_VERSION_NONE][METRICS_TLS_RESULT_NONE] = 1;
    expected.tls[METRICS_DIRECTION_OUT][METRICS_TLS_VERSION_NONE][METRICS_TLS_RESULT_FAILED] = 1;
    assert_memory_equal(&m, &expected, sizeof(m));
}

/* Each event that says how TLS stands counts once, in the direction of its connection. */
static void each_tls_event_counts_once(void **state)
{
    (void)state;
    struct metrics_snapshot m = {0};
    size_t sum[METRICS_DIRECTION_COUNT] = {0}, expected[METRICS_DIRECTION_COUNT] = {0};
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    {                                                                                              \
        struct trace_record *record = TRACE_PACK(WHEN, name, 0);                                   \
        metrics_feed(&m, TRACE_##id, (const char *)record);                                        \
        trace_record_destroy(record);                                                              \
    }
#include "trace/event.def"
#undef TRACE_EVENT
    for (size_t event = 0; event < TRACE_EVENT_COUNT; event++)
        for (size_t i = 0; i < trace_events[event].field_count; i++)
            if (trace_events[event].fields[i].kind == TRACE_FIELD_CONST &&
                strcmp(trace_events[event].fields[i].name, "tls") == 0)
                expected[strncmp(trace_events[event].name, "dcid", 4) == 0]++;
    assert_true(expected[0] >= 4 && expected[1] >= 5);
    for (size_t direction = 0; direction < METRICS_DIRECTION_COUNT; direction++)
        for (size_t version = 0; version < METRICS_TLS_VERSION_COUNT; version++)
            for (size_t result = 0; result < METRICS_TLS_RESULT_COUNT; result++)
                sum[direction] += m.tls[direction][version][result];
    assert_int_equal(sum[0], expected[0]);
    assert_int_equal(sum[1], expected[1]);
}

static void versions_are_told_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "TLSv1.4", ""};
    struct metrics_snapshot m = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct trace_record *record =
            TRACE_PACK(WHEN, dcid_tls_success, .protocol = slice_str(names[i]));
        metrics_feed(&m, TRACE_DCID_TLS_SUCCESS, (const char *)record);
        trace_record_destroy(record);
    }
    for (int version = METRICS_TLS_VERSION_1_0; version <= METRICS_TLS_VERSION_OTHER; version++)
        assert_int_equal(m.tls[METRICS_DIRECTION_OUT][version][METRICS_TLS_RESULT_SUCCESS],
                         version == METRICS_TLS_VERSION_OTHER ? 2 : 1);
}

static void what_the_log_drops_still_counts(void **state)
{
    (void)state;
    struct metrics_snapshot m;
    struct error error;
    struct trace *trace = NULL;
    char dir[] = "/tmp/postern-test-metrics-XXXXXX";
    assert_non_null(mkdtemp(dir));
    SCOPED(mem_free_at) char *log = mem_printf("%s/log", dir);
    const struct trace_settings settings = {.dir = log, .timezone = "UTC", .buffer_bytes = 128};
    assert_int_equal(trace_create(&settings, &trace, &error), 0);
    static char subject[200];
    memset(subject, 'x', sizeof(subject));
    TRACE_EMIT(trace, WHEN, bounced, .class_text = slice_of(subject, sizeof(subject)));
    trace_metrics(trace, &m);
    assert_int_equal(m.log_dropped, 1);
    assert_int_equal(m.bounced, 1);
    trace_destroy(trace);
    SCOPED(mem_free_at) char *text = mem_printf("%s/mail_logs", log);
    SCOPED(mem_free_at) char *json = mem_printf("%s/mail_json", log);
    assert_true(remove(text) == 0 && remove(json) == 0 && remove(log) == 0 && remove(dir) == 0);
}

/* --- the reader --- */

enum { FAMILIES_MAX = 64 };

struct reader {
    char *lines[512];
    size_t line_count;
    char families[FAMILIES_MAX][96];
    size_t family_count, sample_count;
    /* of the family that is being read */
    char type[16], unit[16];
    bool has_help;
};

static bool is_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_letter = (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_';
        if (!is_letter && !(i > 0 && s[i] >= '0' && s[i] <= '9'))
            return false;
    }
    return len > 0;
}

static void begin_family(struct reader *r, const char *name, const char *type)
{
    for (size_t i = 0; i < r->family_count; i++)
        assert_string_not_equal(r->families[i], name);
    assert_true(r->family_count < FAMILIES_MAX);
    (void)snprintf(r->families[r->family_count++], sizeof(r->families[0]), "%s", name);
    (void)snprintf(r->type, sizeof(r->type), "%s", type);
    assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
                strcmp(type, "info") == 0);
    r->unit[0] = '\0';
    r->has_help = false;
}

static void read_comment(struct reader *r, const char *line)
{
    char word[8], name[96], rest[256];
    assert_int_equal(sscanf(line, "# %7s %95s %255[^\n]", word, name, rest), 3);
    if (strcmp(word, "TYPE") == 0) {
        begin_family(r, name, rest);
        return;
    }
    assert_string_equal(name, r->families[r->family_count - 1]);
    if (strcmp(word, "UNIT") == 0) {
        assert_string_equal(name + strlen(name) - strlen(rest), rest);
        assert_int_equal(name[strlen(name) - strlen(rest) - 1], '_');
        return;
    }
    assert_string_equal(word, "HELP");
    assert_false(r->has_help);
    r->has_help = true;
}

/* Behind the name: {a="b",...} or nothing; returns what follows. */
static const char *read_labels(const char *at)
{
    if (*at != '{')
        return at;
    do {
        at++;
        size_t len = strcspn(at, "=");
        assert_true(is_name(at, len));
        at += len + 1;
        assert_int_equal(*at, '"');
        for (at++; *at != '"'; at++) {
            assert_true((unsigned char)*at >= 0x20);
            if (*at != '\\')
                continue;
            at++;
            assert_true(*at == '\\' || *at == '"' || *at == 'n');
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static void read_sample(struct reader *r, const char *line)
{
    size_t len = strcspn(line, "{ ");
    const char *family = r->families[r->family_count - 1];
    const char *suffix = strcmp(r->type, "counter") == 0 ? "_total"
                         : strcmp(r->type, "info") == 0  ? "_info"
                                                         : "";
    assert_true(r->has_help && is_name(line, len));
    assert_int_equal(len, strlen(family) + strlen(suffix));
    assert_memory_equal(line, family, strlen(family));
    assert_memory_equal(line + strlen(family), suffix, strlen(suffix));
    const char *at = read_labels(line + len);
    assert_int_equal(*at, ' ');
    char *end;
    double value = strtod(at + 1, &end);
    assert_int_equal(*end, '\0');
    assert_true(value >= 0);
    r->sample_count++;
}

static void read_text(struct reader *r, struct slice text)
{
    *r = (struct reader){.line_count = 0};
    assert_int_equal(text.p[text.len - 1], '\n');
    while (text.len > 0) {
        assert_true(r->line_count < ARRAY_LEN(r->lines));
        r->lines[r->line_count++] = slice_dup(slice_cut(&text, '\n'));
    }
    assert_string_equal(r->lines[r->line_count - 1], "# EOF");
    for (size_t i = 0; i + 1 < r->line_count; i++) {
        if (r->lines[i][0] == '#')
            read_comment(r, r->lines[i]);
        else
            read_sample(r, r->lines[i]);
    }
}

static void expect(const struct reader *r, const char *line)
{
    for (size_t i = 0; i < r->line_count; i++)
        if (strcmp(r->lines[i], line) == 0)
            return;
    fail_msg("no line %s", line);
}

static void reader_finish(struct reader *r)
{
    for (size_t i = 0; i < r->line_count; i++)
        free(r->lines[i]);
}

static void text_reads_back(void **state)
{
    (void)state;
    static struct reader r;
    struct metrics_snapshot m = {.sessions = 12, .bytes = UINT64_MAX, .log_dropped = 3};
    m.tls[METRICS_DIRECTION_OUT][METRICS_TLS_VERSION_1_2][METRICS_TLS_RESULT_SUCCESS] = 5;
    m.tls[METRICS_DIRECTION_IN][METRICS_TLS_VERSION_NONE][METRICS_TLS_RESULT_FAILED] = 6;
    const struct metrics_certificate certificates[] = {
        {SLICE("mx1"), SLICE("ecdsa"), SLICE("listener"), 1800000000},
        {SLICE("a \"b\" \\ c\n\xff\x01 \xed\x95\x9c"), SLICE("rsa"), SLICE("none"), -1},
    };
    struct metrics_gauges g = {
        .version = "0.1.0",
        .started_wall_ms = WHEN,
        .queue_messages = 4,
        .queue_bytes = 4096,
        .queue_ready = 1,
        .queue_active = 2,
        .queue_waiting = 3,
        .queue_bouncing = 9,
        .destinations_up = 7,
        .destinations_down = 8,
        .oldest_age_ms = 61005,
        .config_revision = 17,
        .is_ready = true,
        .certificates = certificates,
        .certificate_count = 1,
    };
    struct buf buf;
    buf_init(&buf, 0);
    metrics_render(&m, &g, &buf);
    read_text(&r, buf_slice(&buf));
    expect(&r, "postern_build_info{version=\"0.1.0\"} 1");
    expect(&r, "postern_start_time_seconds 1795521709.123");
    expect(&r, "postern_ready 1");
    expect(&r, "postern_config_revision 17");
    expect(&r, "postern_sessions_total 12");
    expect(&r, "postern_received_bytes_total 18446744073709551615");
    expect(&r, "postern_log_dropped_total 3");
    expect(&r, "postern_tls_connections_total{direction=\"out\",version=\"TLSv1.2\","
               "result=\"success\"} 5");
    expect(&r, "postern_tls_connections_total{direction=\"in\",version=\"none\","
               "result=\"failed\"} 6");
    expect(&r, "postern_tls_connections_total{direction=\"out\",version=\"TLSv1.3\","
               "result=\"success\"} 0");
    expect(&r, "postern_queue_messages 4");
    expect(&r, "postern_queue_bytes 4096");
    expect(&r, "postern_queue_deliveries{state=\"waiting\"} 3");
    expect(&r, "postern_queue_deliveries{state=\"bouncing\"} 9");
    expect(&r, "postern_queue_destinations{state=\"down\"} 8");
    expect(&r, "postern_queue_oldest_seconds 61.005");
    expect(&r, "postern_certificate_not_after_seconds{name=\"mx1\",key=\"ecdsa\","
               "use=\"listener\"} 1800000000");
    assert_int_equal(r.family_count, 4 + 12 + 1 + 5 + 1);
    assert_int_equal(r.sample_count, 4 + 12 + 14 + 9 + 1);
    reader_finish(&r);

    /* A name that tries to end its quotes or its line. */
    buf_clear(&buf, 0);
    g.certificates = &certificates[1];
    metrics_render(&m, &g, &buf);
    assert_non_null(strstr(buf_cstr(&buf), "{name=\"a \\\"b\\\" \\\\ c??? \xed\x95\x9c\",key="));
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_count),
        cmocka_unit_test(each_tls_event_counts_once),
        cmocka_unit_test(versions_are_told_apart),
        cmocka_unit_test(what_the_log_drops_still_counts),
        cmocka_unit_test(text_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
