/* Every event of event.def in both forms: the vendor's shapes to the letter, and for each event and
 * a list of hostile values that one line stays one line and reads back as what it was. */
#include "trace/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "trace/event_priv.h"
#include "trace/parse.h"
#include "trace/trace.h"
#include "trace/zone.h"

#define WHEN 1795521709123 /* Tue Nov 24 12:01:49.123 2026 UTC */

static int set_up(void **state)
{
    (void)state;
    trace_zone_set("UTC");
    return 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip = {.family = 0};
    assert_true(ip_parse(slice_str(text), &ip));
    return ip;
}

/* Takes over RECORD; compares behind `Info: ` or `Warning: `. */
static void check_text(struct trace_record *record, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 0);
    trace_render_text(record, &buf);
    const char *prefix = "Tue Nov 24 12:01:49 2026 ";
    assert_memory_equal(buf_cstr(&buf), prefix, strlen(prefix));
    const char *line = strstr(buf_cstr(&buf), ": ");
    assert_non_null(line);
    assert_string_equal(line + 2, expected);
    buf_finish(&buf);
    trace_record_destroy(record);
}

static void check_json(struct trace_record *record, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 0);
    trace_render_json(record, &buf);
    assert_string_equal(buf_cstr(&buf), expected);
    buf_finish(&buf);
    trace_record_destroy(record);
}

static void inbound_lines_have_the_vendors_shape(void **state)
{
    (void)state;
    check_text(TRACE_PACK(WHEN, icid_open, .icid = 7, .interface = SLICE("Data 1"),
                          .ip = ip_of("127.0.0.1"), .address = ip_of("2001:db8::1"),
                          .host = SLICE("mx.example.test"), .verified = true),
               "New SMTP ICID 7 interface Data 1 (127.0.0.1) address 2001:db8::1 reverse dns host "
               "mx.example.test verified yes\n");
    check_text(TRACE_PACK(WHEN, icid_sender_group, .icid = 7, .action = SLICE("ACCEPT"),
                          .group = SLICE("UNKNOWNLIST"), .match = SLICE("10.0.0.0/8"),
                          .sbrs = SLICE("None")),
               "ICID 7 ACCEPT SG UNKNOWNLIST match 10.0.0.0/8 SBRS None\n");
    check_text(TRACE_PACK(WHEN, icid_tls_success, .icid = 7, .protocol = SLICE("TLSv1.2"),
                          .cipher = SLICE("ECDHE-RSA-AES256-GCM-SHA384")),
               "ICID 7 TLS success protocol TLSv1.2 cipher ECDHE-RSA-AES256-GCM-SHA384\n");
    check_text(
        TRACE_PACK(WHEN, icid_tls_failed, .icid = 7, .number = 336109761,
                   .reason =
                       SLICE("error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher")),
        "ICID 7 TLS failed: (336109761, 'error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no "
        "shared cipher')\n");
    check_text(TRACE_PACK(WHEN, icid_tls_required, .icid = 7),
               "ICID 7 TLS was required but remote host did not initiate it\n");
    check_text(TRACE_PACK(WHEN, icid_unknown_command, .icid = 7, .command = SLICE("XFOO")),
               "ICID 7 Unknown command: XFOO\n");
    check_text(TRACE_PACK(WHEN, icid_bad_syntax, .icid = 7, .command = SLICE("QUIT now\r")),
               "ICID 7 Bad syntax for command: QUIT now\\x0D\n");
    check_text(TRACE_PACK(WHEN, icid_invalid_sender, .icid = 7, .reason = SLICE("no domain"),
                          .part = SLICE("<it's>")),
               "ICID 7 Invalid sender address: no domain: '<it\\x27s>'\n");
    check_text(TRACE_PACK(WHEN, icid_invalid_recipient, .icid = 7, .mid = 5,
                          .reason = SLICE("empty"), .part = SLICE("<>")),
               "ICID 7 MID 5 Invalid recipient address: empty: '<>'\n");
    check_text(TRACE_PACK(WHEN, icid_receiving_failed, .icid = 7, .reason = SLICE("Message loop"),
                          .mid = 5, .code = 554),
               "ICID 7 Receiving Failed: Message loop\n");
    check_text(TRACE_PACK(WHEN, icid_lost, .icid = 7), "ICID 7 lost\n");
    check_text(TRACE_PACK(WHEN, icid_close, .icid = 7), "ICID 7 close\n");
    check_text(TRACE_PACK(WHEN, mid_start, .mid = 5, .icid = 7), "Start MID 5 ICID 7\n");
    check_text(TRACE_PACK(WHEN, mid_from, .mid = 5, .icid = 7), "MID 5 ICID 7 From: <>\n");
    check_text(TRACE_PACK(WHEN, mid_rid_to, .mid = 5, .icid = 7, .rid = 0, .to = SLICE("a@b.test")),
               "MID 5 ICID 7 RID 0 To: <a@b.test>\n");
    check_text(TRACE_PACK(WHEN, mid_rejected_rat, .mid = 5, .icid = 7, .to = SLICE("a@b.test")),
               "MID 5 ICID 7 To: <a@b.test> Rejected by RAT\n");
    check_text(TRACE_PACK(WHEN, mid_message_id, .mid = 5, .message_id = SLICE("<x@y>")),
               "MID 5 Message-ID '<x@y>'\n");
    check_text(TRACE_PACK(WHEN, mid_subject, .mid = 5, .subject = SLICE("\xed\x95\x9c it's")),
               "MID 5 Subject '\xed\x95\x9c it\\x27s'\n");
    check_text(TRACE_PACK(WHEN, mid_ready, .mid = 5, .bytes = 321, .from = SLICE("a@b.test")),
               "MID 5 ready 321 bytes from <a@b.test>\n");
    check_text(TRACE_PACK(WHEN, mid_queued, .mid = 5), "MID 5 queued for delivery\n");
    check_text(
        TRACE_PACK(WHEN, mid_aborted, .mid = 5, .reason = SLICE("Receiving aborted by sender")),
        "Message aborted MID 5 Receiving aborted by sender\n");
    check_text(TRACE_PACK(WHEN, mid_finished, .mid = 5, .result = SLICE("done")),
               "Message finished MID 5 done\n");
    const uint16_t rids[] = {0, 3};
    check_text(TRACE_PACK(WHEN, mid_deleted, .mid = 5, .rids = {rids, 2}, .user = SLICE("admin")),
               "Deleted: MID 5 to [0, 3]\n");
    check_text(TRACE_PACK(WHEN, mid_bounce_of, .mid = 6, .original = 5),
               "MID 6 was generated for bounce of MID 5\n");
}

static void delivery_lines_have_the_vendors_shape(void **state)
{
    (void)state;
    const uint16_t rids[] = {0, 2, 65535};
    const struct slice lines[] = {SLICE("5.1.1 no such user"), SLICE("it's final")};
    check_text(TRACE_PACK(WHEN, dcid_open, .dcid = 9, .interface = ip_of("10.0.0.2"),
                          .address = ip_of("10.0.0.1"), .port = 25),
               "New SMTP DCID 9 interface 10.0.0.2 address 10.0.0.1 port 25\n");
    check_text(TRACE_PACK(WHEN, dcid_tls_success, .dcid = 9, .protocol = SLICE("TLSv1.3"),
                          .cipher = SLICE("TLS_AES_256_GCM_SHA384")),
               "DCID 9 TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384\n");
    check_text(TRACE_PACK(WHEN, dcid_tls_success, .dcid = 9, .protocol = SLICE("TLSv1.3"),
                          .cipher = SLICE("TLS_AES_256_GCM_SHA384"), .domain = SLICE("b.test")),
               "DCID 9 TLS success protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 for b.test\n");
    check_text(TRACE_PACK(WHEN, dcid_tls_unexpected, .dcid = 9, .code = 454),
               "DCID 9 TLS failed: STARTTLS unexpected response\n");
    check_text(TRACE_PACK(WHEN, dcid_starttls_unsupported, .dcid = 9),
               "DCID 9 STARTTLS command not supported\n");
    check_text(TRACE_PACK(WHEN, dcid_tls_required_failed, .dcid = 9, .ip = ip_of("10.0.0.1")),
               "DCID 9 IP 10.0.0.1 TLS was required but could not be successfully negotiated\n");
    check_text(TRACE_PACK(WHEN, delivery_start, .dcid = 9, .mid = 5, .rids = {rids, 3}),
               "Delivery start DCID 9 MID 5 to RID [0, 2, 65535]\n");
    check_text(TRACE_PACK(WHEN, message_done, .dcid = 9, .mid = 5, .rids = {rids, 1}),
               "Message done DCID 9 MID 5 to RID [0]\n");
    check_text(TRACE_PACK(WHEN, rid_response, .mid = 5, .rids = {rids, 1},
                          .response = SLICE("ok:  Message 3 accepted")),
               "MID 5 RID [0] Response 'ok:  Message 3 accepted'\n");
    check_text(TRACE_PACK(WHEN, bounced, .dcid = 9, .mid = 5, .rid = 2, .enhanced = SLICE("5.1.0"),
                          .class_text = SLICE("Unknown address error"), .code = 550,
                          .lines = {lines, 2}),
               "Bounced: DCID 9 MID 5 to RID 2 - 5.1.0 - Unknown address error ('550', "
               "['5.1.1 no such user', 'it\\x27s final']) []\n");
    check_text(TRACE_PACK(WHEN, delayed, .dcid = 0, .mid = 5, .from = SLICE("a@b"),
                          .to = SLICE("c@d"), .rid = 2, .enhanced = SLICE("4.4.0"),
                          .class_text = SLICE("Other network problem"), .code = 0),
               "Delayed: DCID 0 MID 5 From: <a@b> To: <c@d> to RID 2 - 4.4.0 - Other network "
               "problem ('000', [])\n");
    check_text(
        TRACE_PACK(WHEN, connection_error_reply, .dcid = 9, .domain = SLICE("b.test"),
                   .ip = ip_of("10.0.0.1"), .port = 25, .code = 454,
                   .reply = SLICE("TLS not available due to a temporary reason"),
                   .interface = ip_of("10.0.0.2"), .reason = SLICE("unexpected SMTP response")),
        "Connection Error: DCID 9 domain: b.test IP: 10.0.0.1 port: 25 details: 454-'TLS not "
        "available due to a temporary reason' interface: 10.0.0.2 reason: unexpected SMTP "
        "response\n");
    check_text(TRACE_PACK(WHEN, dcid_close, .dcid = 9), "DCID 9 close\n");
}

static void json_names_every_field_and_the_tls_state(void **state)
{
    (void)state;
    check_json(TRACE_PACK(WHEN, icid_tls_none, .icid = 7, .reason = SLICE("not offered \"x\"")),
               "{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\",\"event\":\"icid_tls_"
               "none\",\"icid\":7,\"tls\":\"none\",\"reason\":\"not offered \\\"x\\\"\"}\n");
    check_json(TRACE_PACK(WHEN, icid_tls_success, .icid = 7, .protocol = SLICE("TLSv1.3"),
                          .cipher = SLICE("X"), .resumed = true),
               "{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\",\"event\":\"icid_tls_"
               "success\",\"icid\":7,\"tls\":\"success\",\"protocol\":\"TLSv1.3\",\"cipher\":\"X\","
               "\"resumed\":true}\n");
    /* Control, right-to-left override, a byte that is no UTF-8, a real U+F7A0. */
    check_json(
        TRACE_PACK(WHEN, mid_subject, .mid = 5, .subject = SLICE("\n\xe2\x80\xae\xff\xef\x9e\xa0")),
        "{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\",\"event\":\"mid_"
        "subject\",\"mid\":5,\"subject\":\"\\u000A\\u202E\\uF7FF\\uF7EF\\uF79E\\uF7A0\"}"
        "\n");
}

static void a_value_cannot_look_like_what_follows(void **state)
{
    (void)state;
    check_text(TRACE_PACK(WHEN, icid_open, .icid = 7, .interface = SLICE("x (9.9.9.9) address y"),
                          .ip = ip_of("127.0.0.1"), .address = ip_of("10.0.0.1"),
                          .host = SLICE("good verified yes")),
               "New SMTP ICID 7 interface x\\x20(9.9.9.9) address y (127.0.0.1) address 10.0.0.1 "
               "reverse dns host good\\x20verified\\x20yes verified no\n");
    check_text(TRACE_PACK(WHEN, mid_rid_to, .mid = 5, .icid = 7,
                          .to = SLICE("\"a> Rejected by RAT\r\n\"@b")),
               "MID 5 ICID 7 RID 0 To: <\\x22a\\x3E Rejected by RAT\\x0D\\x0A\\x22@b>\n");
}

static void time_follows_the_zone(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 0);
    struct trace_record *record = TRACE_PACK(WHEN - 20ll * 86400000, icid_close, .icid = 1);
    trace_render_text(record, &buf);
    assert_string_equal(buf_cstr(&buf), "Wed Nov  4 12:01:49 2026 Info: ICID 1 close\n");
    buf_clear(&buf, 0);
    trace_zone_set("KST-9");
    trace_render_text(record, &buf);
    assert_string_equal(buf_cstr(&buf), "Wed Nov  4 21:01:49 2026 Info: ICID 1 close\n");
    trace_zone_set("UTC");
    trace_record_destroy(record);
    buf_finish(&buf);
}

/* One record of EVENT with VALUE in every text, made from the table alone. */
static struct trace_record *record_with(enum trace_event event, struct slice value, uint64_t number)
{
    const struct trace_event_info *info = &trace_events[event];
    struct trace_record head = {.event = (uint16_t)event, .time_ms = WHEN};
    struct ip ip = ip_of(number % 2 == 0 ? "192.0.2.1" : "2001:db8::7");
    uint32_t len = (uint32_t)value.len, count = (uint32_t)(number % 4);
    uint16_t rid = (uint16_t)number;
    struct buf buf;
    buf_init(&buf, 0);
    (void)buf_append(&buf, &head, TRACE_HEADER_BYTES);
    for (size_t i = 0; i < info->field_count; i++) {
        switch (info->fields[i].kind) {
        case TRACE_FIELD_U64:
        case TRACE_FIELD_CODE:
            (void)buf_append(&buf, &number, 8);
            break;
        case TRACE_FIELD_BOOL:
            (void)buf_append_char(&buf, (char)(number % 2));
            break;
        case TRACE_FIELD_TEXT:
        case TRACE_FIELD_WORD:
            (void)buf_append(&buf, &len, 4);
            (void)buf_append_slice(&buf, value);
            break;
        case TRACE_FIELD_IP:
            (void)buf_append(&buf, &ip.family, 1);
            (void)buf_append(&buf, ip.bytes, 16);
            break;
        case TRACE_FIELD_RIDS:
            (void)buf_append(&buf, &count, 4);
            for (uint32_t k = 0; k < count; k++)
                (void)buf_append(&buf, &rid, 2);
            break;
        case TRACE_FIELD_LINES:
            (void)buf_append(&buf, &count, 4);
            for (uint32_t k = 0; k < count; k++) {
                (void)buf_append(&buf, &len, 4);
                (void)buf_append_slice(&buf, value);
            }
            break;
        case TRACE_FIELD_CONST:
            break;
        }
    }
    struct trace_record *record = mem_alloc(buf_len(&buf));
    memcpy(record, buf_slice(&buf).p, buf_len(&buf));
    record->size_bytes = (uint32_t)buf_len(&buf);
    buf_finish(&buf);
    return record;
}

/* One line, nothing in it that a terminal or a reader would take for more. */
static struct slice check_line(struct buf *buf)
{
    struct slice line = buf_slice(buf);
    assert_true(line.len > 0 && line.p[line.len - 1] == '\n');
    line.len--;
    for (struct slice rest = line; rest.len > 0;) {
        uint32_t c = 0;
        size_t len = trace_utf8_decode(rest, &c);
        assert_true(len > 0);
        assert_true(c >= 0x20 && c != 0x7f && !trace_char_is_hidden(c));
        rest = slice_of(rest.p + len, rest.len - len);
    }
    return line;
}

/* Takes over RECORD. */
static void check_round_trip(struct trace_record *record)
{
    enum trace_event event = (enum trace_event)record->event;
    struct slice raw[TRACE_FIELDS_MAX], back[TRACE_FIELDS_MAX];
    struct buf buf;
    buf_init(&buf, 0);

    trace_render_json(record, &buf);
    struct trace_record *parsed = trace_parse_json(check_line(&buf));
    assert_non_null(parsed);
    assert_int_equal(parsed->size_bytes, record->size_bytes);
    assert_memory_equal(parsed, record, record->size_bytes);
    trace_record_destroy(parsed);
    buf_clear(&buf, 0);

    trace_render_text(record, &buf);
    struct slice line = check_line(&buf);
    parsed = trace_parse_text(event, line);
    if (parsed == NULL)
        fail_msg("does not read back: %.*s", SLICE_ARGS(line));
    assert_true(parsed->time_ms == record->time_ms / 1000 * 1000);
    trace_record_fields(record, raw);
    trace_record_fields(parsed, back);
    for (size_t i = 0; i < trace_events[event].field_count; i++) {
        if (trace_text_has_field(event, i) && !slice_eq(raw[i], back[i]))
            fail_msg("%s is not what it was: %.*s", trace_events[event].fields[i].name,
                     SLICE_ARGS(line));
    }
    trace_record_destroy(parsed);
    trace_record_destroy(record);
    buf_finish(&buf);
}

static void every_event_reads_back_whatever_the_values(void **state)
{
    (void)state;
    const struct slice hostile[] = {
        SLICE(""),
        SLICE("a"),
        SLICE(" "),
        SLICE("  "),
        SLICE("\0"),
        SLICE("\n"),
        SLICE("\\"),
        SLICE("\\x41"),
        SLICE("\\u0041"),
        SLICE("'"),
        SLICE("\""),
        SLICE("', 'x"),
        SLICE("']) []"),
        SLICE("a\r\nTue Nov 24 00:00:00 2026 Info: ICID 9 close"),
        SLICE("{icid}"),
        SLICE("%s%n"),
        SLICE("\",\"event\":\"icid_close"),
        SLICE("]"),
        SLICE(")"),
        SLICE("<a>"),
        SLICE("a>"),
        SLICE("\xff\xfe\x80"),
        SLICE("\xc0\x80"),
        SLICE("\xed\xa0\x80"),
        SLICE("\xf4\x90\x80\x80"),
        SLICE("\xe2\x80"),
        SLICE("\xe2\x80\xae\xd8\x9c\xe2\x81\xa6"),
        SLICE("\xc2\x85"),
        SLICE("\xe2\x80\xa8"),
        SLICE("\xef\xbb\xbf"),
        SLICE("\xf3\xa0\x81\x81"),
        SLICE("\x1b[2J"),
        SLICE("\xef\x9e\x80\xef\x9f\xbf\xef\xa0\x80"),
        SLICE("\xf0\x9f\x93\xa7"),
        SLICE("none"),
        SLICE("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"),
        SLICE("null"),
        SLICE("unknown"),
    };
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (int event = 0; event < TRACE_EVENT_COUNT; event++) {
        for (uint64_t number = 0; number < 4; number++) {
            for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
                check_round_trip(record_with((enum trace_event)event, hostile[i], number));
            check_round_trip(record_with((enum trace_event)event, slice_of(all, 256), number));
        }
        check_round_trip(record_with((enum trace_event)event, SLICE("x"), INT64_MAX));
    }
}

/* The texts of the templates themselves, whole and cut at every place, twice in a row. */
static void no_template_text_in_a_value_confuses(void **state)
{
    (void)state;
    char value[512];
    for (int event = 0; event < TRACE_EVENT_COUNT; event++) {
        const struct trace_template *t = trace_template_of((enum trace_event)event);
        for (size_t i = 0; i < t->part_count; i++) {
            struct slice texts[] = {t->parts[i].literal, t->parts[i].prefix, t->parts[i].suffix};
            for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
                for (size_t len = 1; len <= texts[k].len; len++) {
                    int part = (int)len, whole = (int)texts[k].len;
                    int n = snprintf(value, sizeof(value), "%.*sa%.*s%.*s", part, texts[k].p, whole,
                                     texts[k].p, part, texts[k].p);
                    assert_true(n > 0 && n < (int)sizeof(value));
                    check_round_trip(
                        record_with((enum trace_event)event, slice_of(value, (size_t)n), 3));
                }
            }
        }
    }
}

/* The typed packers agree with the table that everything else is made from. */
static void every_packer_fits_its_row(void **state)
{
    (void)state;
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    {                                                                                              \
        struct trace_##name e;                                                                     \
        memset(&e, 0, sizeof(e));                                                                  \
        check_round_trip(trace_pack_##name(WHEN, &e));                                             \
    }
#include "trace/event.def"
#undef TRACE_EVENT
}

static void long_values_are_cut_on_a_character(void **state)
{
    (void)state;
    static char text[3 * LIMIT_TRACE_VALUE_BYTES];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "\xed\x95\x9c"[i % 3];
    struct trace_record *record =
        TRACE_PACK(WHEN, mid_subject, .mid = 1, .subject = {text, sizeof(text)});
    struct slice raw[TRACE_FIELDS_MAX];
    trace_record_fields(record, raw);
    assert_int_equal(raw[1].len, 4 + LIMIT_TRACE_VALUE_BYTES / 3 * 3);
    check_round_trip(record);
    static uint16_t rids[LIMIT_TRACE_LIST + 1];
    record = TRACE_PACK(WHEN, delivery_start, .rids = {rids, LIMIT_TRACE_LIST + 1});
    trace_record_fields(record, raw);
    assert_int_equal(raw[2].len, 4 + 2 * LIMIT_TRACE_LIST);
    check_round_trip(record);
}

static void other_lines_do_not_read_back(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "Tue Nov 24 12:01:49 2026 Info: ICID 1 close ",
        "Tue Nov 24 12:01:49 2026 Info: ICID x close",
        "Tue Nov 24 12:01:49 2026 Warning: ICID 1 close",
        "ICID 1 close",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_null(trace_parse_text(TRACE_ICID_CLOSE, slice_str(lines[i])));
    assert_null(trace_parse_json(SLICE("{}")));
    assert_null(trace_parse_json(SLICE("{\"time\":\"2026-11-24T12:01:49.123Z\",\"level\":\"Info\","
                                       "\"event\":\"icid_close\",\"icid\":1,\"x\":2}")));
}

static void a_memory_trace_renders_at_once(void **state)
{
    (void)state;
    struct buf text, json;
    buf_init(&text, 0);
    buf_init(&json, 0);
    struct trace *trace = trace_create_memory(&text, &json);
    struct trace_record *held = TRACE_PACK(WHEN, icid_close, .icid = 1);
    TRACE_EMIT(trace, WHEN + 1000, icid_close, .icid = 2);
    trace_submit(trace, held);
    assert_string_equal(buf_cstr(&text), "Tue Nov 24 12:01:50 2026 Info: ICID 2 close\n"
                                         "Tue Nov 24 12:01:49 2026 Info: ICID 1 close\n");
    assert_non_null(strstr(buf_cstr(&json), "\"icid\":1}\n"));
    uint64_t counts[TRACE_EVENT_COUNT];
    assert_true(trace_counts(trace, counts) == 0);
    assert_true(counts[TRACE_ICID_CLOSE] == 2 && counts[TRACE_ICID_OPEN] == 0);
    trace_destroy(trace);
    buf_finish(&text);
    buf_finish(&json);
    TRACE_EMIT(NULL, WHEN, icid_close, .icid = 2); /* nowhere, but allowed */
    trace_submit(NULL, TRACE_PACK(WHEN, icid_close, .icid = 1));
    trace_flush(NULL);
    trace_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inbound_lines_have_the_vendors_shape),
        cmocka_unit_test(delivery_lines_have_the_vendors_shape),
        cmocka_unit_test(json_names_every_field_and_the_tls_state),
        cmocka_unit_test(a_value_cannot_look_like_what_follows),
        cmocka_unit_test(time_follows_the_zone),
        cmocka_unit_test(every_event_reads_back_whatever_the_values),
        cmocka_unit_test(no_template_text_in_a_value_confuses),
        cmocka_unit_test(every_packer_fits_its_row),
        cmocka_unit_test(long_values_are_cut_on_a_character),
        cmocka_unit_test(other_lines_do_not_read_back),
        cmocka_unit_test(a_memory_trace_renders_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
