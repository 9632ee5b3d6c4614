/* The packers and tables that event.def makes.
 *
 * Packing measures first, then writes: the caller brings the memory (the log's stack buffer or a
 * heap block), so an event costs a loop no allocation. Values are cut here, on a character's edge,
 * so that everything behind has an upper bound.
 *
 * The field macros of event.def mean a different thing in each of the three sections below.
 * Pure functions, any thread. */
#include "trace/event.h"

#include "base/limits.h"
#include "base/mem.h"
#include "trace/event_priv.h"

/* 1. The tables */

#define F_U64(n)      {.name = #n, .kind = TRACE_FIELD_U64},
#define F_CODE(n)     {.name = #n, .kind = TRACE_FIELD_CODE},
#define F_BOOL(n)     {.name = #n, .kind = TRACE_FIELD_BOOL},
#define F_TEXT(n)     {.name = #n, .kind = TRACE_FIELD_TEXT},
#define F_WORD(n)     {.name = #n, .kind = TRACE_FIELD_WORD},
#define F_IP(n)       {.name = #n, .kind = TRACE_FIELD_IP},
#define F_RIDS(n)     {.name = #n, .kind = TRACE_FIELD_RIDS},
#define F_LINES(n)    {.name = #n, .kind = TRACE_FIELD_LINES},
#define F_CONST(n, v) {.name = #n, .kind = TRACE_FIELD_CONST, .value = v},
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    static const struct trace_field rows_of_##name[] = {fields};                                   \
    _Static_assert(ARRAY_LEN(rows_of_##name) <= TRACE_FIELDS_MAX, "too many fields: " #name);
#include "trace/event.def"
#undef TRACE_EVENT
#undef F_U64
#undef F_CODE
#undef F_BOOL
#undef F_TEXT
#undef F_WORD
#undef F_IP
#undef F_RIDS
#undef F_LINES
#undef F_CONST

const struct trace_event_info trace_events[TRACE_EVENT_COUNT] = {
#define TRACE_EVENT(id, name_, level_, text_, fields_)                                             \
    [TRACE_##id] = {.name = #name_,                                                                \
                    .level = TRACE_LEVEL_##level_,                                                 \
                    .text = text_,                                                                 \
                    .fields = rows_of_##name_,                                                     \
                    .field_count = ARRAY_LEN(rows_of_##name_)},
#include "trace/event.def"
#undef TRACE_EVENT
};

const char *trace_level_word(enum trace_level level)
{
    switch (level) {
    case TRACE_LEVEL_INFO:
        return "Info";
    case TRACE_LEVEL_WARNING:
        return "Warning";
    case TRACE_LEVEL_CRITICAL:
        return "Critical";
    }
    return "Info";
}

/* 2. Measuring */

/* Length after the cut: not in the middle of a character, as far as it is UTF-8 at all. */
static size_t cut(struct slice s)
{
    if (s.len <= LIMIT_TRACE_VALUE_BYTES)
        return s.len;
    size_t len = LIMIT_TRACE_VALUE_BYTES;
    while (len > LIMIT_TRACE_VALUE_BYTES - 3 && ((unsigned char)s.p[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static size_t count_of(size_t count)
{
    return count < LIMIT_TRACE_LIST ? count : LIMIT_TRACE_LIST;
}

static size_t size_lines(const struct trace_lines *lines)
{
    size_t size = 4;
    for (size_t i = 0; i < count_of(lines->count); i++)
        size += 4 + cut(lines->items[i]);
    return size;
}

#define F_U64(n)      +8
#define F_CODE(n)     +8
#define F_BOOL(n)     +1
#define F_TEXT(n)     +4 + cut(e->n)
#define F_WORD(n)     +4 + cut(e->n)
#define F_IP(n)       +17
#define F_RIDS(n)     +4 + 2 * count_of(e->n.count)
#define F_LINES(n)    +size_lines(&e->n)
#define F_CONST(n, v) +0
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    size_t trace_size_##name(const struct trace_##name *e)                                         \
    {                                                                                              \
        (void)e;                                                                                   \
        return TRACE_HEADER_BYTES fields;                                                          \
    }
#include "trace/event.def"
#undef TRACE_EVENT
#undef F_U64
#undef F_CODE
#undef F_BOOL
#undef F_TEXT
#undef F_WORD
#undef F_IP
#undef F_RIDS
#undef F_LINES
#undef F_CONST

/* 3. Writing: each returns the place behind what it wrote */

static char *put(char *at, const void *p, size_t len)
{
    if (len > 0)
        memcpy(at, p, len);
    return at + len;
}

static char *put_u32(char *at, size_t n)
{
    uint32_t value = (uint32_t)n;
    return put(at, &value, sizeof(value));
}

static char *put_slice(char *at, struct slice s)
{
    size_t len = cut(s);
    return put(put_u32(at, len), s.p, len);
}

static char *put_ip(char *at, const struct ip *ip)
{
    *at = (char)ip->family;
    return put(at + 1, ip->bytes, sizeof(ip->bytes));
}

static char *put_rids(char *at, const struct trace_rids *rids)
{
    size_t count = count_of(rids->count);
    return put(put_u32(at, count), rids->items, count * sizeof(rids->items[0]));
}

static char *put_lines(char *at, const struct trace_lines *lines)
{
    size_t count = count_of(lines->count);
    at = put_u32(at, count);
    for (size_t i = 0; i < count; i++)
        at = put_slice(at, lines->items[i]);
    return at;
}

static char *put_bool(char *at, bool value)
{
    *at = value ? 1 : 0;
    return at + 1;
}

#define F_U64(n)   at = put(at, &e->n, 8);
#define F_CODE(n)  at = put(at, &e->n, 8);
#define F_BOOL(n)  at = put_bool(at, e->n);
#define F_TEXT(n)  at = put_slice(at, e->n);
#define F_WORD(n)  at = put_slice(at, e->n);
#define F_IP(n)    at = put_ip(at, &e->n);
#define F_RIDS(n)  at = put_rids(at, &e->n);
#define F_LINES(n) at = put_lines(at, &e->n);
#define F_CONST(n, v)
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    void trace_put_##name(char *at, size_t size_bytes, int64_t time_ms,                            \
                          const struct trace_##name *e)                                            \
    {                                                                                              \
        const char *end = at + size_bytes;                                                         \
        struct trace_record head = {                                                               \
            .size_bytes = (uint32_t)size_bytes, .event = TRACE_##id, .time_ms = time_ms};          \
        at = put(at, &head, TRACE_HEADER_BYTES);                                                   \
        fields ASSERT(at == end);                                                                  \
    }                                                                                              \
    struct trace_record *trace_pack_##name(int64_t time_ms, const struct trace_##name *e)          \
    {                                                                                              \
        size_t size_bytes = trace_size_##name(e);                                                  \
        struct trace_record *record = mem_alloc(size_bytes);                                       \
        trace_put_##name((char *)record, size_bytes, time_ms, e);                                  \
        return record;                                                                             \
    }
#include "trace/event.def"
#undef TRACE_EVENT
#undef F_U64
#undef F_CODE
#undef F_BOOL
#undef F_TEXT
#undef F_WORD
#undef F_IP
#undef F_RIDS
#undef F_LINES
#undef F_CONST

void trace_record_destroy(struct trace_record *record)
{
    free(record);
}

/* 4. Reading */

uint32_t trace_get_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

uint64_t trace_get_u64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

size_t trace_field_size(enum trace_field_kind kind, const char *at)
{
    switch (kind) {
    case TRACE_FIELD_U64:
    case TRACE_FIELD_CODE:
        return 8;
    case TRACE_FIELD_BOOL:
        return 1;
    case TRACE_FIELD_TEXT:
    case TRACE_FIELD_WORD:
        return 4 + (size_t)trace_get_u32(at);
    case TRACE_FIELD_IP:
        return 17;
    case TRACE_FIELD_RIDS:
        return 4 + 2 * (size_t)trace_get_u32(at);
    case TRACE_FIELD_LINES: {
        size_t size = 4;
        for (uint32_t i = trace_get_u32(at); i > 0; i--)
            size += 4 + (size_t)trace_get_u32(at + size);
        return size;
    }
    case TRACE_FIELD_CONST:
        return 0;
    }
    return 0;
}

void trace_record_fields(const struct trace_record *record, struct slice raw[TRACE_FIELDS_MAX])
{
    ASSERT(record->event < TRACE_EVENT_COUNT);
    const struct trace_event_info *info = &trace_events[record->event];
    const char *at = record->bytes;
    for (size_t i = 0; i < info->field_count; i++) {
        raw[i] = slice_of(at, trace_field_size(info->fields[i].kind, at));
        at += raw[i].len;
    }
}
