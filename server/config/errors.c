/* The list of what an administrator got wrong, and how it is printed.
 *
 * Values and keys in it come from outside: texts lose their control characters, and half characters
 * of values that were cut, when they are added (they become JSON and log lines); pointers stay
 * exact (a program follows them) and are made visible when they are printed. The list is capped,
 * what does not fit is counted. */
#include "config/config.h"
#include "config/config_priv.h"

#include <stdarg.h>

enum { TEXT_MAX = 700 };

void config_errors_init(struct config_errors *errors)
{
    *errors = (struct config_errors){0};
    mem_arena_init(&errors->arena);
}

void config_errors_finish(struct config_errors *errors)
{
    if (errors == NULL)
        return;
    free(errors->items);
    mem_arena_finish(&errors->arena);
    *errors = (struct config_errors){0};
}

size_t config_character(struct slice s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    uint32_t code = len == 1 ? c : c & (0x7fU >> len);
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc0) || c > 0xf4 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.p[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
    }
    bool is_control = code >= 0x80 && code < 0xa0, is_surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[len] || code > 0x10ffff || is_control || is_surrogate ? 0 : len;
}

struct slice config_cut(struct slice s, size_t max_bytes)
{
    size_t len = s.len < max_bytes ? s.len : max_bytes;
    while (len > 0 && len < s.len && ((unsigned char)s.p[len] & 0xc0) == 0x80)
        len--;
    return slice_of(s.p, len);
}

/* In place: what is no text becomes `?`, byte by byte. */
static void clean(char *text)
{
    for (struct slice rest = slice_str(text); rest.len > 0;) {
        size_t n = config_character(rest);
        if (n == 0) {
            text[rest.p - text] = '?';
            n = 1;
        }
        rest = slice_of(rest.p + n, rest.len - n);
    }
}

static const char *keep(struct config_errors *errors, const char *text)
{
    return text == NULL ? NULL : mem_arena_strndup(&errors->arena, text, strlen(text));
}

static void add(struct config_errors *errors, const char *pointer, const char *code,
                const struct config_error_params *params, const char *fmt, va_list args)
    PRINTF_LIKE(5, 0);

/* POINTER is in the arena already. */
static void add(struct config_errors *errors, const char *pointer, const char *code,
                const struct config_error_params *params, const char *fmt, va_list args)
{
    char text[TEXT_MAX];
    (void)vsnprintf(text, sizeof(text), fmt, args);
    struct slice whole = config_cut(slice_str(text), sizeof(text) - 5); /* no half character */
    text[whole.len] = '\0';
    clean(text);
    /* Doubles at each power of two. */
    if ((errors->count & (errors->count - 1)) == 0) {
        size_t size = errors->count == 0 ? 1 : errors->count * 2;
        errors->items = mem_realloc(errors->items, size * sizeof(errors->items[0]));
    }
    struct config_error *error = &errors->items[errors->count++];
    *error = (struct config_error){.pointer = pointer, .code = code, .text = keep(errors, text)};
    if (params == NULL)
        return;
    error->params = *params;
    error->params.got = keep(errors, params->got);
    error->params.nearest = keep(errors, params->nearest);
}

static bool is_full(struct config_errors *errors)
{
    if (errors->count < CONFIG_ERRORS_MAX)
        return false;
    errors->dropped++;
    return true;
}

void config_errors_add(struct config_errors *errors, const char *pointer, const char *code,
                       const char *fmt, ...)
{
    if (is_full(errors))
        return;
    va_list args;
    va_start(args, fmt);
    add(errors, keep(errors, pointer), code, NULL, fmt, args);
    va_end(args);
}

void config_errors_add_at(struct config_errors *errors, const struct config_path *path,
                          const char *code, const char *fmt, ...)
{
    if (is_full(errors))
        return;
    va_list args;
    va_start(args, fmt);
    add(errors, config_path_pointer(path, &errors->arena), code, NULL, fmt, args);
    va_end(args);
}

void config_errors_add_params(struct config_errors *errors, const struct config_path *path,
                              const char *code, const struct config_error_params *params,
                              const char *fmt, ...)
{
    if (is_full(errors))
        return;
    va_list args;
    va_start(args, fmt);
    add(errors, config_path_pointer(path, &errors->arena), code, params, fmt, args);
    va_end(args);
}

static void add_again(struct config_errors *errors, const char *pointer, const char *code,
                      const struct config_error_params *params, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

static void add_again(struct config_errors *errors, const char *pointer, const char *code,
                      const struct config_error_params *params, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(errors, pointer, code, params, fmt, args);
    va_end(args);
}

void config_errors_copy(struct config_errors *errors, const struct config_error *error,
                        const char *pointer)
{
    if (!is_full(errors))
        add_again(errors, keep(errors, pointer), error->code, &error->params, "%s", error->text);
}

void config_pointer_append(struct buf *pointer, struct slice name)
{
    (void)buf_append_char(pointer, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] == '~')
            (void)buf_append_str(pointer, "~0");
        else if (name.p[i] == '/')
            (void)buf_append_str(pointer, "~1");
        else
            (void)buf_append_char(pointer, name.p[i]);
    }
}

static void append_path(struct buf *buf, const struct config_path *path)
{
    if (path == NULL)
        return;
    append_path(buf, path->up); /* at most LIMIT_JSON_DEPTH deep */
    if (path->key == NULL)
        (void)buf_printf(buf, "/%zu", path->index);
    else
        config_pointer_append(buf, slice_str(path->key));
}

const char *config_path_pointer(const struct config_path *path, struct mem_arena *arena)
{
    struct buf buf;
    buf_init(&buf, 0);
    append_path(&buf, path);
    struct slice s = buf_slice(&buf);
    const char *pointer = mem_arena_strndup(arena, s.p, s.len);
    buf_finish(&buf);
    return pointer;
}

void config_check_report(const struct config_errors *errors, struct buf *buf)
{
    for (size_t i = 0; i < errors->count; i++) {
        for (const char *p = errors->items[i].pointer; *p != '\0'; p++) {
            unsigned char c = (unsigned char)*p;
            if (c < 0x20 || c == 0x7f)
                (void)buf_printf(buf, "\\x%02x", c);
            else
                (void)buf_append_char(buf, *p);
        }
        (void)buf_printf(buf, "%s: %s\n", errors->items[i].pointer[0] == '\0' ? "/" : "",
                         errors->items[i].text);
    }
    if (errors->dropped > 0)
        (void)buf_printf(buf, "/: and %zu more errors\n", errors->dropped);
}
