/* Events as typed structs, and their packed form: what a loop copies and the log thread writes out.
 *
 *   struct trace_mid_start {mid, icid}  -- TRACE_EMIT / TRACE_PACK -->  struct trace_record (bytes)
 *      -- log thread -->  text line (mail_logs) and JSON line (mail_json)
 *
 * Everything is made from event.def: one struct, one packer and one row of the table an event. The
 * loop's side only measures and copies; formatting, escaping and time zones are the log thread's.
 * Values longer than LIMIT_TRACE_VALUE_BYTES are cut there, lists at LIMIT_TRACE_LIST items.
 *
 * Escaping, so that no value can make a line, end a quote or hide text; all of it is reversible.
 * Text: control characters, DEL, backslash, both quotes, invalid UTF-8 and invisible or
 * direction-changing characters byte by byte as \xNN; so is whatever in a value would look like the
 * text that follows it in the template, and in F_WORD every blank.
 * JSON: the same characters as \uNNNN; a byte that is no UTF-8 is \uF7NN (and a real character of
 * U+F780-F7FF is three such), which every reader takes.
 *
 * Pure functions, any thread. No message content beyond Subject and Message-ID. */
#ifndef POSTERN_TRACE_EVENT_H
#define POSTERN_TRACE_EVENT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"

struct trace_rids {
    const uint16_t *items;
    size_t count;
};

struct trace_lines {
    const struct slice *items;
    size_t count;
};

enum trace_level { TRACE_LEVEL_INFO, TRACE_LEVEL_WARNING, TRACE_LEVEL_CRITICAL };

enum trace_event {
#define TRACE_EVENT(id, name, level, text, fields) TRACE_##id,
#include "trace/event.def"
#undef TRACE_EVENT
    TRACE_EVENT_COUNT
};

/* struct trace_icid_open {uint64_t icid; struct slice interface; ...}: slices and lists are
 * borrowed for the call only. */
#define F_U64(name)   uint64_t name;
#define F_CODE(name)  uint64_t name;
#define F_BOOL(name)  bool name;
#define F_TEXT(name)  struct slice name;
#define F_WORD(name)  struct slice name;
#define F_IP(name)    struct ip name;
#define F_RIDS(name)  struct trace_rids name;
#define F_LINES(name) struct trace_lines name;
#define F_CONST(name, value)
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    struct trace_##name {                                                                          \
        fields                                                                                     \
    };
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

enum { TRACE_FIELDS_MAX = 16 };

enum trace_field_kind {
    TRACE_FIELD_U64,
    TRACE_FIELD_CODE,
    TRACE_FIELD_BOOL,
    TRACE_FIELD_TEXT,
    TRACE_FIELD_WORD,
    TRACE_FIELD_IP,
    TRACE_FIELD_RIDS,
    TRACE_FIELD_LINES,
    TRACE_FIELD_CONST,
};

struct trace_field {
    const char *name;
    enum trace_field_kind kind;
    const char *value; /* CONST only */
};

struct trace_event_info {
    const char *name; /* as in JSON */
    enum trace_level level;
    const char *text; /* template */
    const struct trace_field *fields;
    size_t field_count;
};

/* The table, by enum trace_event. */
extern const struct trace_event_info trace_events[TRACE_EVENT_COUNT];

/* `Info`, `Warning`, `Critical`. */
const char *trace_level_word(enum trace_level level);

/* One packed event: a heap block of size_bytes in all. */
struct trace_record {
    uint32_t size_bytes;
    uint16_t event; /* enum trace_event */
    uint16_t unused;
    int64_t time_ms; /* wall clock, when it happened */
    char bytes[];    /* the fields in order */
};

void trace_record_destroy(struct trace_record *record);

/* struct trace_record *trace_pack_icid_open(int64_t time_ms, const struct trace_icid_open *e): the
 * caller's, for trace_submit or trace_record_destroy. TRACE_PACK(time_ms, icid_open, .icid = 1,
 * ...) is the usual way to call it. Times are given when an event happens, not when it is written.
 */
#define TRACE_EVENT(id, name, level, text, fields)                                                 \
    struct trace_record *trace_pack_##name(int64_t time_ms, const struct trace_##name *e)          \
        MUST_CHECK;
#include "trace/event.def"
#undef TRACE_EVENT

#define TRACE_PACK(time_ms, name, ...)                                                             \
    trace_pack_##name((time_ms), &(struct trace_##name){__VA_ARGS__})

/* One line each with its line feed, appended to BUF. Text: `Www Mmm dd HH:MM:SS YYYY Level: ...` in
 * the time zone of trace_zone_set (trace/zone.h); JSON:
 * {"time":"...Z","level":...,"event":...,fields}. RECORD must be one that trace_pack made. */
void trace_render_text(const struct trace_record *record, struct buf *buf);
/* What the text has behind the level, without the line feed. */
void trace_render_words(const struct trace_record *record, struct buf *buf);
void trace_render_json(const struct trace_record *record, struct buf *buf);

#endif
