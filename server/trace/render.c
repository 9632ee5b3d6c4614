/* A packed event as a line of mail_logs and as a line of mail_json.
 *
 * Room for the longest that a line can become is reserved once (a byte becomes at most six), then
 * everything is written with a bare pointer: this is what 300,000 events a second need. The time in
 * front is formatted once a second and thread.
 *
 * Escaping is described in event.h. Values are copied in runs of harmless bytes; the table says
 * where a run ends. */
#include "trace/event.h"

#include <time.h>

#include "trace/event_priv.h"
#include "trace/zone.h"

/* What a byte is to the writers. */
enum byte_class {
    CLASS_PLAIN = 0,
    CLASS_ESCAPE = 1, /* never raw in either form */
    CLASS_APOSTROPHE = 2,
    CLASS_BLANK = 3,
    CLASS_HIGH = 4, /* part of a longer character, or of nothing */
};

/* clang-format off */
#define SIXTEEN(c) c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c
static const unsigned char classes[256] = {
    SIXTEEN(CLASS_ESCAPE), SIXTEEN(CLASS_ESCAPE),
    CLASS_BLANK, 0, CLASS_ESCAPE /* " */, 0, 0, 0, 0, CLASS_APOSTROPHE, 0, 0, 0, 0, 0, 0, 0, 0,
    SIXTEEN(0), SIXTEEN(0),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CLASS_ESCAPE /* \ */, 0, 0, 0,
    SIXTEEN(0),
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CLASS_ESCAPE /* DEL */,
    SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH),
    SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH), SIXTEEN(CLASS_HIGH),
};
#undef SIXTEEN
/* clang-format on */

static char *write_slice(char *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

static char *write_str(char *at, const char *s)
{
    return write_slice(at, slice_str(s));
}

static char *write_u64(char *at, uint64_t n)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char hex_digit(unsigned n)
{
    return "0123456789ABCDEF"[n & 15];
}

static char *write_x(char *at, char byte)
{
    unsigned b = (unsigned char)byte;
    *at++ = '\\';
    *at++ = 'x';
    *at++ = hex_digit(b >> 4);
    *at++ = hex_digit(b);
    return at;
}

static char *write_u(char *at, unsigned unit)
{
    *at++ = '\\';
    *at++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *at++ = hex_digit(unit >> shift);
    return at;
}

/* Does STOP begin at position I of VALUE followed by STOP? Then a reader would stop too early. */
static bool is_stop(struct slice value, size_t i, struct slice stop)
{
    for (size_t k = 0; k < stop.len; k++) {
        char c = i + k < value.len ? value.p[i + k] : stop.p[i + k - value.len];
        if (c != stop.p[k])
            return false;
    }
    return true;
}

static char *text_escape(char *at, struct slice s, bool is_word, struct slice stop)
{
    char guard = stop.len > 0 ? stop.p[0] : '\0';
    size_t i = 0, run = 0;
    while (i < s.len) {
        char c = s.p[i];
        unsigned char kind = classes[(unsigned char)c];
        size_t len = 1;
        bool is_raw = kind == CLASS_PLAIN && c != guard;
        if (kind == CLASS_BLANK)
            is_raw = !is_word && (guard != ' ' || !is_stop(s, i, stop));
        if (kind == CLASS_HIGH) {
            uint32_t code;
            len = trace_utf8_decode(slice_of(s.p + i, s.len - i), &code);
            is_raw = len > 0 && !trace_char_is_hidden(code);
            len = len == 0 ? 1 : len;
        }
        if (!is_raw) {
            at = write_slice(at, slice_of(s.p + run, i - run));
            for (size_t k = 0; k < len; k++)
                at = write_x(at, s.p[i + k]);
            run = i + len;
        }
        i += len;
    }
    return write_slice(at, slice_of(s.p + run, s.len - run));
}

/* A character that may not stand raw in JSON, with its length; 0: it may. */
static char *json_char(char *at, struct slice rest, size_t *ret_len)
{
    unsigned char byte = (unsigned char)rest.p[0];
    uint32_t code;
    if (byte < 0x80) {
        *ret_len = 1;
        if (byte != '"' && byte != '\\')
            return write_u(at, byte);
        *at++ = '\\';
        *at++ = (char)byte;
        return at;
    }
    size_t len = trace_utf8_decode(rest, &code);
    if (len == 0 || (code >= 0xf780 && code <= 0xf7ff)) {
        *ret_len = 1; /* for the real U+F780-F7FF its other bytes follow: they are invalid alone */
        return write_u(at, 0xf700u + byte);
    }
    *ret_len = len;
    if (!trace_char_is_hidden(code))
        return write_slice(at, slice_of(rest.p, len));
    if (code < 0x10000)
        return write_u(at, code);
    code -= 0x10000;
    return write_u(write_u(at, 0xd800u + (code >> 10)), 0xdc00u + (code & 0x3ffu));
}

static char *json_string(char *at, struct slice s)
{
    *at++ = '"';
    size_t i = 0, run = 0;
    while (i < s.len) {
        unsigned char kind = classes[(unsigned char)s.p[i]];
        if (kind != CLASS_ESCAPE && kind != CLASS_HIGH) {
            i++;
            continue;
        }
        at = write_slice(at, slice_of(s.p + run, i - run));
        size_t len;
        at = json_char(at, slice_of(s.p + i, s.len - i), &len);
        i += len;
        run = i;
    }
    at = write_slice(at, slice_of(s.p + run, s.len - run));
    *at++ = '"';
    return at;
}

static struct slice raw_string(const char *raw)
{
    return slice_of(raw + 4, trace_get_u32(raw));
}

static struct ip raw_ip(const char *raw)
{
    struct ip ip = {.family = (uint8_t)raw[0]};
    memcpy(ip.bytes, raw + 1, sizeof(ip.bytes));
    return ip;
}

static char *write_rids(char *at, const char *raw, const char *separator)
{
    uint32_t count = trace_get_u32(raw);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t rid;
        memcpy(&rid, raw + 4 + 2 * (size_t)i, sizeof(rid));
        at = i == 0 ? at : write_str(at, separator);
        at = write_u64(at, rid);
    }
    return at;
}

/* ['a', 'b'] or ["a","b"] */
static char *write_lines(char *at, const char *raw, bool is_json)
{
    uint32_t count = trace_get_u32(raw);
    raw += 4;
    *at++ = '[';
    for (uint32_t i = 0; i < count; i++) {
        struct slice line = raw_string(raw);
        raw += 4 + line.len;
        if (is_json) {
            at = i == 0 ? at : write_str(at, ",");
            at = json_string(at, line);
        } else {
            at = write_str(at, i == 0 ? "'" : ", '");
            at = text_escape(at, line, false, SLICE("'"));
            *at++ = '\'';
        }
    }
    *at++ = ']';
    return at;
}

static char *write_code(char *at, uint64_t code)
{
    if (code < 100)
        *at++ = '0';
    if (code < 10)
        *at++ = '0';
    return write_u64(at, code);
}

static bool is_empty(enum trace_field_kind kind, struct slice raw)
{
    return (kind == TRACE_FIELD_TEXT || kind == TRACE_FIELD_WORD) && raw.len == 4;
}

static char *text_value(char *at, const struct trace_field *field, struct slice raw,
                        struct slice stop)
{
    switch (field->kind) {
    case TRACE_FIELD_U64:
        return write_u64(at, trace_get_u64(raw.p));
    case TRACE_FIELD_CODE:
        return write_code(at, trace_get_u64(raw.p));
    case TRACE_FIELD_BOOL:
        return write_str(at, raw.p[0] != 0 ? "yes" : "no");
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_WORD:
        return text_escape(at, raw_string(raw.p), field->kind == TRACE_FIELD_WORD, stop);
    case TRACE_FIELD_IP: {
        struct ip ip = raw_ip(raw.p);
        char text[IP_TEXT_MAX];
        return write_str(at, ip_format(&ip, text));
    }
    case TRACE_FIELD_RIDS:
        return write_rids(at, raw.p, ", ");
    case TRACE_FIELD_LINES:
        return write_lines(at, raw.p, false);
    case TRACE_FIELD_CONST:
        return write_str(at, field->value);
    }
    return at;
}

static char *json_value(char *at, const struct trace_field *field, struct slice raw)
{
    switch (field->kind) {
    case TRACE_FIELD_U64:
    case TRACE_FIELD_CODE:
        return write_u64(at, trace_get_u64(raw.p));
    case TRACE_FIELD_BOOL:
        return write_str(at, raw.p[0] != 0 ? "true" : "false");
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_WORD:
        return json_string(at, raw_string(raw.p));
    case TRACE_FIELD_IP: {
        struct ip ip = raw_ip(raw.p);
        char text[IP_TEXT_MAX];
        if (ip.family == 0)
            return write_str(at, "null");
        return json_string(at, slice_str(ip_format(&ip, text)));
    }
    case TRACE_FIELD_RIDS:
        *at++ = '[';
        at = write_rids(at, raw.p, ",");
        *at++ = ']';
        return at;
    case TRACE_FIELD_LINES:
        return write_lines(at, raw.p, true);
    case TRACE_FIELD_CONST:
        return json_string(at, slice_str(field->value));
    }
    return at;
}

static int64_t seconds_of(int64_t time_ms, unsigned *ret_ms)
{
    int64_t ms = time_ms % 1000;
    if (ms < 0)
        ms += 1000;
    *ret_ms = (unsigned)ms;
    return (time_ms - ms) / 1000;
}

static char *text_time(char *at, int64_t time_ms)
{
    static _Thread_local struct {
        int64_t seconds;
        unsigned epoch;
        int len;
        char text[TRACE_TIME_MAX];
    } cache;
    unsigned ms, epoch = trace_zone_epoch();
    int64_t seconds = seconds_of(time_ms, &ms);
    if (cache.len == 0 || cache.seconds != seconds || cache.epoch != epoch) {
        cache.len = trace_zone_format(seconds, cache.text);
        cache.seconds = seconds;
        cache.epoch = epoch;
    }
    return write_slice(at, slice_of(cache.text, (size_t)cache.len));
}

/* RFC 3339 5.6 */
static char *json_time(char *at, int64_t time_ms)
{
    static _Thread_local struct {
        int64_t seconds;
        int len;
        char text[TRACE_TIME_MAX];
    } cache;
    unsigned ms;
    int64_t seconds = seconds_of(time_ms, &ms);
    if (cache.len == 0 || cache.seconds != seconds) {
        time_t when = (time_t)seconds;
        struct tm tm;
        if (gmtime_r(&when, &tm) == NULL)
            memset(&tm, 0, sizeof(tm)); /* a year that does not fit: no clock shows it */
        cache.len = snprintf(cache.text, sizeof(cache.text), "%04d-%02d-%02dT%02d:%02d:%02d",
                             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                             tm.tm_sec);
        cache.seconds = seconds;
    }
    at = write_slice(at, slice_of(cache.text, (size_t)cache.len));
    *at++ = '.';
    at = write_code(at, ms);
    *at++ = 'Z';
    return at;
}

/* No byte of a record becomes more than six of a line: \u00NN; numbers and addresses less. */
static char *reserve(const struct trace_record *record, const struct trace_template *t,
                     struct buf *buf)
{
    return buf_reserve(buf, t->fixed_bytes + 6 * (size_t)record->size_bytes);
}

/* The event's template with the record's values in it. */
static char *text_words(char *at, const struct trace_record *record, const struct trace_template *t)
{
    const struct trace_event_info *info = &trace_events[record->event];
    struct slice raw[TRACE_FIELDS_MAX];
    trace_record_fields(record, raw);
    for (size_t i = 0; i < t->part_count; i++) {
        const struct trace_part *part = &t->parts[i];
        at = write_slice(at, part->literal);
        if (part->field < 0)
            break;
        const struct trace_field *field = &info->fields[part->field];
        struct slice value = raw[part->field];
        if (part->is_optional && is_empty(field->kind, value))
            continue;
        at = write_slice(at, part->prefix);
        at = text_value(at, field, value, part->stop);
        at = write_slice(at, part->suffix);
    }
    return at;
}

void trace_render_words(const struct trace_record *record, struct buf *buf)
{
    const struct trace_template *t = trace_template_of((enum trace_event)record->event);
    char *start = reserve(record, t, buf);
    if (start == NULL)
        return;
    buf_commit(buf, (size_t)(text_words(start, record, t) - start));
}

void trace_render_text(const struct trace_record *record, struct buf *buf)
{
    const struct trace_template *t = trace_template_of((enum trace_event)record->event);
    char *start = reserve(record, t, buf);
    if (start == NULL)
        return;
    char *at = text_time(start, record->time_ms);
    at = write_str(at, trace_level_word(trace_events[record->event].level));
    at = write_str(at, ": ");
    at = text_words(at, record, t);
    *at++ = '\n';
    buf_commit(buf, (size_t)(at - start));
}

void trace_render_json(const struct trace_record *record, struct buf *buf)
{
    const struct trace_event_info *info = &trace_events[record->event];
    const struct trace_template *t = trace_template_of((enum trace_event)record->event);
    struct slice raw[TRACE_FIELDS_MAX];
    trace_record_fields(record, raw);
    char *start = reserve(record, t, buf);
    if (start == NULL)
        return;
    char *at = write_str(start, "{\"time\":\"");
    at = json_time(at, record->time_ms);
    at = write_str(at, "\",\"level\":\"");
    at = write_str(at, trace_level_word(info->level));
    at = write_str(at, "\",\"event\":\"");
    at = write_str(at, info->name);
    *at++ = '"';
    for (size_t i = 0; i < info->field_count; i++) {
        at = write_str(at, ",\"");
        at = write_str(at, info->fields[i].name);
        at = write_str(at, "\":");
        at = json_value(at, &info->fields[i], raw[i]);
    }
    at = write_str(at, "}\n");
    buf_commit(buf, (size_t)(at - start));
}
