/* The packed form, for trace/ alone.
 *
 * A record is its header and then the fields in the order of event.def, unaligned, host byte order:
 *     U64, CODE 8 bytes | BOOL 1 | TEXT, WORD u32 length, bytes | IP 17 | RIDS u32 count, u16 each
 *     LINES u32 count, each u32 length, bytes | CONST nothing
 * It never leaves the process, and only our packers make it: it is trusted. */
#ifndef POSTERN_TRACE_EVENT_PRIV_H
#define POSTERN_TRACE_EVENT_PRIV_H

#include "trace/event.h"

enum { TRACE_HEADER_BYTES = offsetof(struct trace_record, bytes) };

/* Bytes of the whole record, and writing it to AT (that many bytes, any alignment). */
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    size_t trace_size_##name(const struct trace_##name *e);                                        \
    void trace_put_##name(char *at, size_t size_bytes, int64_t time_ms,                            \
                          const struct trace_##name *e);
#include "trace/event.def"
#undef TRACE_EVENT

/* Bytes that a field of this kind takes at AT. */
size_t trace_field_size(enum trace_field_kind kind, const char *at);
/* Where each field lies: raw[i] for trace_events[..].fields[i]. */
void trace_record_fields(const struct trace_record *record, struct slice raw[TRACE_FIELDS_MAX]);

uint32_t trace_get_u32(const char *at);
uint64_t trace_get_u64(const char *at);

/* A template in pieces: `literal` {field} `literal` {field? prefix*suffix} ... `literal`. */
struct trace_part {
    struct slice literal; /* stands before the field */
    int field;            /* -1: the end of the template */
    bool is_optional;     /* prefix, value and suffix only if the value is not empty */
    struct slice prefix, suffix;
    struct slice stop; /* what follows the value in the line; empty: its end, or an optional part */
};

enum { TRACE_PARTS_MAX = TRACE_FIELDS_MAX + 1 };

struct trace_template {
    struct trace_part parts[TRACE_PARTS_MAX];
    size_t part_count;
    size_t fixed_bytes; /* of both lines, whatever the values are, rounded up */
};

/* Compiled at the first call; any thread. */
const struct trace_template *trace_template_of(enum trace_event event);

/* One character of UTF-8: its length, 0 when it is invalid (overlong, surrogate, cut off). */
size_t trace_utf8_decode(struct slice s, uint32_t *ret_char);
/* Characters that hide or reorder what stands around them. */
bool trace_char_is_hidden(uint32_t c);

#endif
