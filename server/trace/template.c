/* Templates of event.def cut into pieces, once, and the characters that no log may show raw.
 *
 * `ICID {icid} TLS success protocol {protocol} cipher {cipher}{domain? for *}` becomes a list of
 * parts; render.c walks it forwards, parse.c reads a line along it. `stop` is what stands behind a
 * value: render.c escapes whatever in a value looks like it, so parse.c may stop at the first place
 * where it is found.
 *
 * Templates are ours: a mistake in one is a bug and aborts at the first use, which the tests make.
 */
#include "trace/event_priv.h"

#include <pthread.h>

static struct trace_template templates[TRACE_EVENT_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int field_index(const struct trace_event_info *info, struct slice name)
{
    for (size_t i = 0; i < info->field_count; i++) {
        if (slice_eq(name, slice_str(info->fields[i].name)))
            return (int)i;
    }
    return -1;
}

/* What stands between the braces: `field`, or `field? prefix*suffix`. */
static void compile_field(const struct trace_event_info *info, struct slice inner,
                          struct trace_part *part)
{
    size_t mark = slice_find(inner, '?');
    part->is_optional = mark < inner.len;
    struct slice name = slice_cut(&inner, '?');
    part->field = field_index(info, name);
    ASSERT(part->field >= 0);
    if (part->is_optional) {
        ASSERT(slice_find(inner, '*') < inner.len);
        part->prefix = slice_cut(&inner, '*');
        part->suffix = inner;
    }
}

static void compile(enum trace_event event, struct trace_template *t)
{
    const struct trace_event_info *info = &trace_events[event];
    struct slice rest = slice_str(info->text);
    bool is_end = false;
    while (!is_end) {
        ASSERT(t->part_count < TRACE_PARTS_MAX);
        struct trace_part *part = &t->parts[t->part_count++];
        size_t brace = slice_find(rest, '{');
        is_end = brace == rest.len;
        part->literal = slice_of(rest.p, brace);
        part->field = -1;
        if (is_end)
            break;
        rest = slice_of(rest.p + brace + 1, rest.len - brace - 1);
        ASSERT(slice_find(rest, '}') < rest.len);
        compile_field(info, slice_cut(&rest, '}'), part);
    }
    for (size_t i = 0; i + 1 < t->part_count; i++) {
        struct trace_part *part = &t->parts[i];
        part->stop = part->suffix.len > 0 ? part->suffix : t->parts[i + 1].literal;
    }
    /* Prefixes, punctuation and the JSON names: generous, counted once. */
    t->fixed_bytes = 256 + strlen(info->text) + strlen(info->name);
    for (size_t i = 0; i < info->field_count; i++) {
        t->fixed_bytes += strlen(info->fields[i].name) + 8;
        if (info->fields[i].value != NULL)
            t->fixed_bytes += strlen(info->fields[i].value);
    }
}

static void compile_all(void)
{
    for (int event = 0; event < TRACE_EVENT_COUNT; event++)
        compile((enum trace_event)event, &templates[event]);
}

const struct trace_template *trace_template_of(enum trace_event event)
{
    (void)pthread_once(&once, compile_all); /* cannot fail with a static control */
    ASSERT(event < TRACE_EVENT_COUNT);
    return &templates[event];
}

/* RFC 3629 3 and 4 */
size_t trace_utf8_decode(struct slice s, uint32_t *ret_char)
{
    if (s.len == 0)
        return 0;
    const unsigned char *b = (const unsigned char *)s.p;
    size_t len;
    uint32_t c, least;
    if (b[0] < 0x80) {
        *ret_char = b[0];
        return 1;
    }
    if ((b[0] & 0xe0) == 0xc0) {
        len = 2;
        c = b[0] & 0x1fu;
        least = 0x80;
    } else if ((b[0] & 0xf0) == 0xe0) {
        len = 3;
        c = b[0] & 0x0fu;
        least = 0x800;
    } else if ((b[0] & 0xf8) == 0xf0) {
        len = 4;
        c = b[0] & 0x07u;
        least = 0x10000;
    } else {
        return 0;
    }
    if (s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (b[i] & 0x3fu);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret_char = c;
    return len;
}

bool trace_char_is_hidden(uint32_t c)
{
    return (c >= 0x80 && c <= 0x9f) ||     /* C1 controls, next line among them */
           c == 0xad || c == 0x061c ||     /* soft hyphen, Arabic letter mark */
           c == 0x180e ||                  /* Mongolian vowel separator */
           (c >= 0x200b && c <= 0x200f) || /* no width, left-to-right and right-to-left marks */
           (c >= 0x2028 && c <= 0x202e) || /* line and paragraph separator, embeddings, overrides */
           (c >= 0x2060 && c <= 0x206f) || /* word joiner, isolates */
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || /* byte order mark, annotations */
           (c >= 0xe0000 && c <= 0xe007f);                /* tags */
}
