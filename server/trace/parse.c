/* Log lines back into records: see parse.h.
 *
 * The text form is read along the template that wrote it (template.c): a value ends at the first
 * place where what follows it in the template stands, because render.c escapes everything inside
 * that looks the same. Both readers build the packed form field by field. */
#include "trace/parse.h"

#include <time.h>

#include <jansson.h>

#include "base/mem.h"
#include "trace/event_priv.h"

/* Fields in any order, then the record in theirs. */
struct builder {
    enum trace_event event;
    int64_t time_ms;
    struct buf fields[TRACE_FIELDS_MAX];
};

static void builder_init(struct builder *b, enum trace_event event)
{
    *b = (struct builder){.event = event};
}

static void add_bytes(struct buf *buf, const void *p, size_t len)
{
    bool is_added = buf_append(buf, p, len);
    ASSERT(is_added); /* no cap */
}

static void add_u32(struct buf *buf, size_t n)
{
    uint32_t value = (uint32_t)n;
    add_bytes(buf, &value, sizeof(value));
}

static void add_zero(struct buf *buf, enum trace_field_kind kind)
{
    static const char zero[32];
    add_bytes(buf, zero, trace_field_size(kind, zero));
}

static void builder_finish(struct builder *b)
{
    for (size_t i = 0; i < TRACE_FIELDS_MAX; i++)
        buf_finish(&b->fields[i]);
}

static struct trace_record *builder_record(struct builder *b)
{
    const struct trace_event_info *info = &trace_events[b->event];
    size_t size_bytes = TRACE_HEADER_BYTES;
    for (size_t i = 0; i < info->field_count; i++) {
        if (buf_len(&b->fields[i]) == 0)
            add_zero(&b->fields[i], info->fields[i].kind);
        size_bytes += buf_len(&b->fields[i]);
    }
    struct trace_record *record = mem_alloc(size_bytes);
    *record = (struct trace_record){
        .size_bytes = (uint32_t)size_bytes, .event = (uint16_t)b->event, .time_ms = b->time_ms};
    char *at = record->bytes;
    for (size_t i = 0; i < info->field_count; i++) {
        struct slice s = buf_slice(&b->fields[i]);
        if (s.len > 0)
            memcpy(at, s.p, s.len);
        at += s.len;
    }
    return record;
}

/* Values of the text form */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool add_unescaped(struct buf *buf, struct slice s)
{
    struct buf plain;
    buf_init(&plain, 0);
    bool is_ok = true;
    for (size_t i = 0; i < s.len && is_ok; i++) {
        if (s.p[i] != '\\') {
            is_ok = buf_append_char(&plain, s.p[i]);
            continue;
        }
        int high = i + 3 < s.len && s.p[i + 1] == 'x' ? hex_value(s.p[i + 2]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 3]) : -1;
        is_ok = low >= 0 && buf_append_char(&plain, (char)(high * 16 + low));
        i += 3;
    }
    if (is_ok) {
        add_u32(buf, buf_len(&plain));
        add_bytes(buf, buf_slice(&plain).p, buf_len(&plain));
    }
    buf_finish(&plain);
    return is_ok;
}

static bool add_number(struct buf *buf, struct slice s)
{
    unsigned long long n;
    if (!slice_to_u64(s, UINT64_MAX, &n))
        return false;
    uint64_t value = n;
    add_bytes(buf, &value, sizeof(value));
    return true;
}

static bool add_ip(struct buf *buf, struct slice s)
{
    struct ip ip = {.family = 0};
    if (!slice_eq(s, SLICE("none")) && !ip_parse(s, &ip))
        return false;
    add_bytes(buf, &ip.family, 1);
    add_bytes(buf, ip.bytes, sizeof(ip.bytes));
    return true;
}

/* The packed form of a list: how many, then the items. Gives back ITEMS in any case. */
static bool end_list(struct buf *buf, struct buf *items, size_t count, bool is_ok)
{
    if (is_ok) {
        add_u32(buf, count);
        add_bytes(buf, buf_slice(items).p, buf_len(items));
    }
    buf_finish(items);
    return is_ok;
}

static bool add_rids(struct buf *buf, struct slice s)
{
    struct buf items;
    buf_init(&items, 0);
    bool is_ok = true;
    size_t count = 0;
    while (s.len > 0 && is_ok) {
        struct slice item = slice_trim(slice_cut(&s, ','));
        unsigned long long n = 0;
        is_ok = slice_to_u64(item, UINT16_MAX, &n);
        uint16_t rid = (uint16_t)n;
        add_bytes(&items, &rid, sizeof(rid));
        count++;
    }
    return end_list(buf, &items, count, is_ok);
}

static bool skip(struct slice *rest, struct slice text)
{
    if (text.len == 0)
        return true;
    if (rest->len < text.len || memcmp(rest->p, text.p, text.len) != 0)
        return false;
    *rest = slice_of(rest->p + text.len, rest->len - text.len);
    return true;
}

/* ['a', 'b']: read to its end, which no search could find. */
static bool take_lines(struct buf *buf, struct slice *rest)
{
    struct buf items;
    buf_init(&items, 0);
    size_t count = 0;
    bool is_ok = skip(rest, SLICE("["));
    while (is_ok && !skip(rest, SLICE("]"))) {
        is_ok = count == 0 || skip(rest, SLICE(", "));
        is_ok = is_ok && skip(rest, SLICE("'"));
        if (!is_ok || slice_find(*rest, '\'') == rest->len) {
            is_ok = false;
            break;
        }
        is_ok = add_unescaped(&items, slice_cut(rest, '\''));
        count++;
    }
    return end_list(buf, &items, count, is_ok);
}

static bool add_value(struct buf *buf, enum trace_field_kind kind, struct slice s)
{
    char flag = slice_eq(s, SLICE("yes")) ? 1 : 0;
    switch (kind) {
    case TRACE_FIELD_U64:
    case TRACE_FIELD_CODE:
        return add_number(buf, s);
    case TRACE_FIELD_BOOL:
        add_bytes(buf, &flag, 1);
        return flag == 1 || slice_eq(s, SLICE("no"));
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_WORD:
        return add_unescaped(buf, s);
    case TRACE_FIELD_IP:
        return add_ip(buf, s);
    case TRACE_FIELD_RIDS:
        return add_rids(buf, s);
    case TRACE_FIELD_LINES:
    case TRACE_FIELD_CONST:
        return false; /* not read this way */
    }
    return false;
}

/* The value in front of STOP; without a stop to the line's end, or the next blank if parts follow.
 */
static bool take_until(struct slice *rest, struct slice stop, bool is_last, struct slice *ret_value)
{
    size_t end = rest->len;
    if (stop.len > 0) {
        const char *found = memmem(rest->p, rest->len, stop.p, stop.len);
        if (found == NULL)
            return false;
        end = (size_t)(found - rest->p);
    } else if (!is_last) {
        end = slice_find(*rest, ' ');
    }
    *ret_value = slice_of(rest->p, end);
    *rest = slice_of(rest->p + end, rest->len - end);
    return true;
}

static bool take_part(struct builder *b, const struct trace_part *part, bool is_last,
                      struct slice *rest)
{
    enum trace_field_kind kind = trace_events[b->event].fields[part->field].kind;
    struct buf *buf = &b->fields[part->field];
    if (part->is_optional && !skip(rest, part->prefix))
        return true;
    if (kind == TRACE_FIELD_LINES)
        return take_lines(buf, rest);
    struct slice value;
    if (!take_until(rest, part->stop, is_last, &value))
        return false;
    return add_value(buf, kind, value) && skip(rest, part->suffix);
}

/* `Www Mmm dd HH:MM:SS YYYY Level: ` */
static bool take_head(struct builder *b, struct slice *rest)
{
    char text[32];
    struct tm tm = {.tm_isdst = -1};
    size_t len = sizeof("Tue Nov 24 12:01:49 2026 ") - 1;
    if (rest->len < len)
        return false;
    memcpy(text, rest->p, len);
    text[len] = '\0';
    const char *end = strptime(text, "%a %b %e %H:%M:%S %Y ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    b->time_ms = (int64_t)mktime(&tm) * 1000;
    *rest = slice_of(rest->p + len, rest->len - len);
    return skip(rest, slice_str(trace_level_word(trace_events[b->event].level))) &&
           skip(rest, SLICE(": "));
}

struct trace_record *trace_parse_text(enum trace_event event, struct slice line)
{
    const struct trace_template *t = trace_template_of(event);
    struct trace_record *record = NULL;
    struct builder b;
    builder_init(&b, event);
    bool is_ok = take_head(&b, &line);
    for (size_t i = 0; i < t->part_count && is_ok; i++) {
        const struct trace_part *part = &t->parts[i];
        is_ok = skip(&line, part->literal);
        if (is_ok && part->field >= 0) {
            bool is_last = i + 2 == t->part_count && t->parts[i + 1].literal.len == 0;
            is_ok = take_part(&b, part, is_last, &line);
        }
    }
    if (is_ok && line.len == 0)
        record = builder_record(&b);
    builder_finish(&b);
    return record;
}

bool trace_text_has_field(enum trace_event event, size_t field)
{
    const struct trace_template *t = trace_template_of(event);
    for (size_t i = 0; i < t->part_count; i++) {
        if (t->parts[i].field == (int)field)
            return true;
    }
    return false;
}

/* The JSON form */

/* U+F780-F7FF stand for one byte each. */
static void add_json_text(struct buf *buf, const json_t *value)
{
    struct slice s = slice_of(json_string_value(value), json_string_length(value));
    struct buf plain;
    buf_init(&plain, 0);
    while (s.len > 0) {
        uint32_t c = 0;
        size_t len = trace_utf8_decode(s, &c);
        ASSERT(len > 0); /* Jansson has checked it */
        char byte = (char)(c & 0xff);
        if (c >= 0xf780 && c <= 0xf7ff)
            add_bytes(&plain, &byte, 1);
        else
            add_bytes(&plain, s.p, len);
        s = slice_of(s.p + len, s.len - len);
    }
    add_u32(buf, buf_len(&plain));
    add_bytes(buf, buf_slice(&plain).p, buf_len(&plain));
    buf_finish(&plain);
}

static bool add_json_list(struct buf *buf, enum trace_field_kind kind, const json_t *list)
{
    if (!json_is_array(list))
        return false;
    add_u32(buf, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        uint16_t rid = (uint16_t)json_integer_value(item);
        if (kind == TRACE_FIELD_RIDS && !json_is_integer(item))
            return false;
        if (kind == TRACE_FIELD_LINES && !json_is_string(item))
            return false;
        if (kind == TRACE_FIELD_RIDS)
            add_bytes(buf, &rid, sizeof(rid));
        else
            add_json_text(buf, item);
    }
    return true;
}

static bool add_json_value(struct buf *buf, const struct trace_field *field, const json_t *value)
{
    uint64_t number = (uint64_t)json_integer_value(value);
    char flag = json_is_true(value) ? 1 : 0;
    switch (field->kind) {
    case TRACE_FIELD_U64:
    case TRACE_FIELD_CODE:
        add_bytes(buf, &number, sizeof(number));
        return json_is_integer(value);
    case TRACE_FIELD_BOOL:
        add_bytes(buf, &flag, 1);
        return json_is_boolean(value);
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_WORD:
        if (!json_is_string(value))
            return false;
        add_json_text(buf, value);
        return true;
    case TRACE_FIELD_IP:
        if (json_is_null(value))
            return add_ip(buf, SLICE("none"));
        return json_is_string(value) && add_ip(buf, slice_str(json_string_value(value)));
    case TRACE_FIELD_RIDS:
    case TRACE_FIELD_LINES:
        return add_json_list(buf, field->kind, value);
    case TRACE_FIELD_CONST:
        return json_is_string(value) && strcmp(json_string_value(value), field->value) == 0;
    }
    return false;
}

/* RFC 3339 5.6, in the one form that render.c writes */
static bool json_time_ms(const char *text, int64_t *ret_time_ms)
{
    struct tm tm = {.tm_isdst = 0};
    unsigned long long ms;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL || strlen(rest) != 5 || rest[0] != '.' || rest[4] != 'Z' ||
        !slice_to_u64(slice_of(rest + 1, 3), 999, &ms))
        return false;
    *ret_time_ms = (int64_t)timegm(&tm) * 1000 + (int64_t)ms;
    return true;
}

static bool read_object(struct builder *b, const json_t *object)
{
    const struct trace_event_info *info = &trace_events[b->event];
    const char *time = json_string_value(json_object_get(object, "time"));
    const char *level = json_string_value(json_object_get(object, "level"));
    if (time == NULL || !json_time_ms(time, &b->time_ms) || level == NULL ||
        strcmp(level, trace_level_word(info->level)) != 0)
        return false;
    if (json_object_size(object) != info->field_count + 3)
        return false;
    for (size_t i = 0; i < info->field_count; i++) {
        const json_t *value = json_object_get(object, info->fields[i].name);
        if (!add_json_value(&b->fields[i], &info->fields[i], value))
            return false;
    }
    return true;
}

struct trace_record *trace_parse_json(struct slice line)
{
    struct trace_record *record = NULL;
    json_t *object = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *name = json_string_value(json_object_get(object, "event"));
    for (int event = 0; event < TRACE_EVENT_COUNT && name != NULL; event++) {
        if (strcmp(trace_events[event].name, name) != 0)
            continue;
        struct builder b;
        builder_init(&b, (enum trace_event)event);
        if (read_object(&b, object))
            record = builder_record(&b);
        builder_finish(&b);
        break;
    }
    json_decref(object);
    return record;
}
