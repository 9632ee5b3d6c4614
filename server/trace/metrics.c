/* Counters fed by events, and OpenMetrics text: see metrics.h.
 *
 * What an event adds is compiled once from two sources: the list `adds` below, and for TLS the rows
 * of event.def themselves (the constant field `tls`, the field `protocol`, ICID or DCID), so that a
 * new TLS event is counted without a word here.
 *
 * The text follows OpenMetrics 1.0 (github.com/OpenObservability): each family has TYPE, UNIT when
 * there is one (its name ends with it) and HELP, then all its samples; a counter's sample ends with
 * _total; the last line is `# EOF`. */
#include "trace/metrics.h"

#include <pthread.h>

#include "trace/event_priv.h"

/* --- counting --- */

#define COUNTER(member) offsetof(struct metrics_snapshot, member)

/* What is added to a counter: one, or the number in FIELD, or the items of the list in it. */
/* clang-format off */
static const struct {
    enum trace_event event;
    size_t counter;
    const char *field;
} adds[] = {
    {TRACE_ICID_OPEN,              COUNTER(sessions),            NULL},
    {TRACE_DCID_OPEN,              COUNTER(connections),         NULL},
    {TRACE_CONNECTION_ERROR,       COUNTER(connection_errors),   NULL},
    {TRACE_CONNECTION_ERROR_REPLY, COUNTER(connection_errors),   NULL},
    {TRACE_MID_QUEUED,             COUNTER(messages),            NULL},
    {TRACE_ICID_COUNTED,           COUNTER(messages),            "messages"},
    {TRACE_MID_BOUNCE_OF,          COUNTER(reports),             NULL},
    {TRACE_MID_RID_TO,             COUNTER(recipients),          NULL},
    {TRACE_MID_REJECTED_RAT,       COUNTER(recipients_rejected), NULL},
    {TRACE_MID_READY,              COUNTER(bytes),               "bytes"},
    {TRACE_ICID_COUNTED,           COUNTER(bytes),               "bytes"},
    {TRACE_MESSAGE_DONE,           COUNTER(delivered),           "rids"},
    {TRACE_DELAYED,                COUNTER(delayed),             NULL},
    {TRACE_BOUNCED,                COUNTER(bounced),             NULL},
    {TRACE_DOUBLE_BOUNCE,          COUNTER(bounced),             NULL},
};
/* clang-format on */

enum { ADDS_PER_EVENT = 2, NO_FIELD = -1 };

struct row {
    struct {
        size_t counter;
        int field;
    } adds[ADDS_PER_EVENT];
    size_t add_count;
    bool is_tls;
    enum metrics_direction direction;
    enum metrics_tls_result result;
    int protocol;
};

static struct row rows[TRACE_EVENT_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* clang-format off */
static const char *const result_words[METRICS_TLS_RESULT_COUNT] = {"success", "failed", "none"};
static const char *const version_words[METRICS_TLS_VERSION_COUNT] = {
    "none", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "other"};
static const char *const direction_words[METRICS_DIRECTION_COUNT] = {"in", "out"};
/* clang-format on */

const char *metrics_direction_word(enum metrics_direction direction)
{
    return direction_words[direction];
}

const char *metrics_tls_version_word(enum metrics_tls_version version)
{
    return version_words[version];
}

const char *metrics_tls_result_word(enum metrics_tls_result result)
{
    return result_words[result];
}

static int field_index(enum trace_event event, const char *name)
{
    const struct trace_event_info *info = &trace_events[event];
    for (size_t i = 0; i < info->field_count; i++)
        if (strcmp(info->fields[i].name, name) == 0)
            return (int)i;
    return NO_FIELD;
}

static void make_tls(enum trace_event event)
{
    int tls = field_index(event, "tls");
    struct row *row = &rows[event];
    if (tls == NO_FIELD || trace_events[event].fields[tls].kind != TRACE_FIELD_CONST)
        return;
    const char *word = trace_events[event].fields[tls].value;
    row->is_tls = true;
    row->protocol = field_index(event, "protocol");
    row->direction =
        field_index(event, "dcid") == NO_FIELD ? METRICS_DIRECTION_IN : METRICS_DIRECTION_OUT;
    while (strcmp(result_words[row->result], word) != 0) {
        row->result++;
        ASSERT(row->result < METRICS_TLS_RESULT_COUNT);
    }
}

static void make_rows(void)
{
    for (int event = 0; event < TRACE_EVENT_COUNT; event++)
        make_tls((enum trace_event)event);
    for (size_t i = 0; i < ARRAY_LEN(adds); i++) {
        struct row *row = &rows[adds[i].event];
        int field = adds[i].field == NULL ? NO_FIELD : field_index(adds[i].event, adds[i].field);
        ASSERT(row->add_count < ADDS_PER_EVENT);
        ASSERT(adds[i].field == NULL || field != NO_FIELD);
        row->adds[row->add_count].counter = adds[i].counter;
        row->adds[row->add_count++].field = field;
    }
}

/* Where field INDEX of the packed event lies. */
static const char *field_at(enum trace_event event, const char *bytes, int index)
{
    const char *at = bytes + TRACE_HEADER_BYTES;
    for (int i = 0; i < index; i++)
        at += trace_field_size(trace_events[event].fields[i].kind, at);
    return at;
}

static uint64_t amount(enum trace_event event, const char *bytes, int field)
{
    if (field == NO_FIELD)
        return 1;
    const char *at = field_at(event, bytes, field);
    bool is_list = trace_events[event].fields[field].kind == TRACE_FIELD_RIDS;
    return is_list ? trace_get_u32(at) : trace_get_u64(at);
}

static enum metrics_tls_version version_of(enum trace_event event, const char *bytes, int field)
{
    if (field == NO_FIELD)
        return METRICS_TLS_VERSION_NONE;
    const char *at = field_at(event, bytes, field);
    struct slice protocol = slice_of(at + 4, trace_get_u32(at));
    int version = METRICS_TLS_VERSION_1_0;
    while (version < METRICS_TLS_VERSION_OTHER &&
           !slice_eq(protocol, slice_str(version_words[version])))
        version++;
    return (enum metrics_tls_version)version;
}

void metrics_feed(struct metrics_snapshot *metrics, enum trace_event event, const char *bytes)
{
    (void)pthread_once(&once, make_rows); /* cannot fail with a static control */
    const struct row *row = &rows[event];
    for (size_t i = 0; i < row->add_count; i++) {
        uint64_t *counter = (uint64_t *)(void *)((char *)metrics + row->adds[i].counter);
        *counter += amount(event, bytes, row->adds[i].field);
    }
    if (row->is_tls)
        metrics->tls[row->direction][version_of(event, bytes, row->protocol)][row->result]++;
}

/* --- rendering --- */

/* OpenMetrics 1.0, "Escaping": backslash, quote and line feed in label values. Bytes that are no
 * UTF-8 and control characters become `?`: a reader would refuse the whole text. */
static void put_label_value(struct buf *buf, struct slice s)
{
    (void)buf_append_char(buf, '"'); /* the buffer has no cap: this and all below */
    while (s.len > 0) {
        uint32_t c = 0;
        size_t len = trace_utf8_decode(s, &c);
        if (c == '\\' || c == '"')
            (void)buf_append_char(buf, '\\');
        if (len == 0 || c < 0x20 || c == 0x7f)
            (void)buf_append_char(buf, '?');
        else
            (void)buf_append(buf, s.p, len);
        len = len == 0 ? 1 : len;
        s = slice_of(s.p + len, s.len - len);
    }
    (void)buf_append_char(buf, '"');
}

static void put_family(struct buf *buf, const char *name, const char *type, const char *unit,
                       const char *help)
{
    (void)buf_printf(buf, "# TYPE %s %s\n", name, type);
    if (unit != NULL)
        (void)buf_printf(buf, "# UNIT %s %s\n", name, unit);
    (void)buf_printf(buf, "# HELP %s %s\n", name, help);
}

static void put_number(struct buf *buf, const char *sample, uint64_t value)
{
    (void)buf_printf(buf, "%s %llu\n", sample, (unsigned long long)value);
}

static void put_counters(struct buf *buf, const struct metrics_snapshot *m)
{
    /* clang-format off */
    const struct {
        const char *name, *unit, *help;
        uint64_t value;
    } counters[] = {
        {"postern_sessions", NULL, "Inbound SMTP connections.", m->sessions},
        {"postern_connections", NULL, "Outbound SMTP connections that came up.", m->connections},
        {"postern_connection_errors", NULL, "Outbound SMTP connections that failed before a message was offered.", m->connection_errors},
        {"postern_messages", NULL, "Messages taken in, our own reports among them.", m->messages},
        {"postern_reports", NULL, "Delivery status notifications made here.", m->reports},
        {"postern_recipients", NULL, "Recipients accepted.", m->recipients},
        {"postern_recipients_rejected", NULL, "Recipients rejected by the RAT.", m->recipients_rejected},
        {"postern_received_bytes", "bytes", "Size of the messages that came in.", m->bytes},
        {"postern_delivered", NULL, "Recipients that a next hop took.", m->delivered},
        {"postern_delayed", NULL, "Failed tries of a recipient that will be tried again.", m->delayed},
        {"postern_bounced", NULL, "Recipients given up.", m->bounced},
        {"postern_log_dropped", NULL, "Log lines that came faster than they could be written.", m->log_dropped},
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        put_family(buf, counters[i].name, "counter", counters[i].unit, counters[i].help);
        (void)buf_printf(buf, "%s_total %llu\n", counters[i].name,
                         (unsigned long long)counters[i].value);
    }
}

/* Every combination that can be is there from the start, so that a rate has a zero to begin with.
 */
static void put_tls(struct buf *buf, const struct metrics_snapshot *m)
{
    put_family(buf, "postern_tls_connections", "counter", NULL,
               "SMTP connections by what TLS came to.");
    for (int direction = 0; direction < METRICS_DIRECTION_COUNT; direction++)
        for (int version = 0; version < METRICS_TLS_VERSION_COUNT; version++)
            for (int result = 0; result < METRICS_TLS_RESULT_COUNT; result++) {
                bool is_agreed = version != METRICS_TLS_VERSION_NONE;
                if (is_agreed != (result == METRICS_TLS_RESULT_SUCCESS) &&
                    m->tls[direction][version][result] == 0)
                    continue;
                (void)buf_printf(
                    buf,
                    "postern_tls_connections_total{direction=\"%s\",version=\"%s\",result=\"%s\"} "
                    "%llu\n",
                    direction_words[direction], version_words[version], result_words[result],
                    (unsigned long long)m->tls[direction][version][result]);
            }
}

/* Milliseconds as seconds. */
static void put_seconds(struct buf *buf, const char *sample, uint64_t ms)
{
    (void)buf_printf(buf, "%s %llu.%03u\n", sample, (unsigned long long)(ms / 1000),
                     (unsigned)(ms % 1000));
}

static void put_queue(struct buf *buf, const struct metrics_gauges *g)
{
    put_family(buf, "postern_queue_messages", "gauge", NULL, "Messages in the queue.");
    put_number(buf, "postern_queue_messages", g->queue_messages);
    put_family(buf, "postern_queue_bytes", "gauge", "bytes", "Size of the messages in the queue.");
    put_number(buf, "postern_queue_bytes", g->queue_bytes);
    put_family(buf, "postern_queue_deliveries", "gauge", NULL,
               "Message and destination pairs, and recipients whose report is made, by state.");
    put_number(buf, "postern_queue_deliveries{state=\"ready\"}", g->queue_ready);
    put_number(buf, "postern_queue_deliveries{state=\"active\"}", g->queue_active);
    put_number(buf, "postern_queue_deliveries{state=\"waiting\"}", g->queue_waiting);
    put_number(buf, "postern_queue_deliveries{state=\"bouncing\"}", g->queue_bouncing);
    put_family(buf, "postern_queue_destinations", "gauge", NULL,
               "Destinations with queued messages or open connections, by state.");
    put_number(buf, "postern_queue_destinations{state=\"up\"}", g->destinations_up);
    put_number(buf, "postern_queue_destinations{state=\"down\"}", g->destinations_down);
    put_family(buf, "postern_queue_oldest_seconds", "gauge", "seconds",
               "Age of the oldest message in the queue.");
    put_seconds(buf, "postern_queue_oldest_seconds", g->oldest_age_ms);
}

static void put_certificates(struct buf *buf, const struct metrics_gauges *g)
{
    put_family(buf, "postern_certificate_not_after_seconds", "gauge", "seconds",
               "When a certificate ends, since 1970.");
    for (size_t i = 0; i < g->certificate_count; i++) {
        const struct metrics_certificate *c = &g->certificates[i];
        (void)buf_append_str(buf, "postern_certificate_not_after_seconds{name=");
        put_label_value(buf, c->name);
        (void)buf_append_str(buf, ",key=");
        put_label_value(buf, c->key_type);
        (void)buf_append_str(buf, ",use=");
        put_label_value(buf, c->use);
        (void)buf_printf(buf, "} %lld\n", (long long)c->not_after_s);
    }
}

void metrics_render(const struct metrics_snapshot *metrics, const struct metrics_gauges *gauges,
                    struct buf *buf)
{
    put_family(buf, "postern_build", "info", NULL, "What runs.");
    (void)buf_append_str(buf, "postern_build_info{version=");
    put_label_value(buf, slice_str(gauges->version));
    (void)buf_append_str(buf, "} 1\n");
    put_family(buf, "postern_start_time_seconds", "gauge", "seconds",
               "When the process started, since 1970.");
    put_seconds(buf, "postern_start_time_seconds", (uint64_t)gauges->started_wall_ms);
    put_family(buf, "postern_ready", "gauge", NULL,
               "1 while mail is taken and every event loop answers.");
    put_number(buf, "postern_ready", gauges->is_ready ? 1 : 0);
    put_family(buf, "postern_config_revision", "gauge", NULL, "The running configuration.");
    put_number(buf, "postern_config_revision", gauges->config_revision);
    put_counters(buf, metrics);
    put_tls(buf, metrics);
    put_queue(buf, gauges);
    put_certificates(buf, gauges);
    (void)buf_append_str(buf, "# EOF\n");
}
