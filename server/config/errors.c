/* The list of what an administrator got wrong, and how it is printed.
 *
 * Values and keys in it come from outside: texts lose their control characters when they are added,
 * pointers stay exact (a program follows them) and are made visible when they are printed. The list
 * is capped, what does not fit is counted. */
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

static void add(struct config_errors *errors, const char *pointer, const char *code,
                const char *fmt, va_list args) PRINTF_LIKE(4, 0);

/* POINTER is in the arena already. */
static void add(struct config_errors *errors, const char *pointer, const char *code,
                const char *fmt, va_list args)
{
    char text[TEXT_MAX];
    (void)vsnprintf(text, sizeof(text), fmt, args);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    /* Doubles at each power of two. */
    if ((errors->count & (errors->count - 1)) == 0) {
        size_t size = errors->count == 0 ? 1 : errors->count * 2;
        errors->items = mem_realloc(errors->items, size * sizeof(errors->items[0]));
    }
    errors->items[errors->count++] =
        (struct config_error){.pointer = pointer,
                              .code = code,
                              .text = mem_arena_strndup(&errors->arena, text, strlen(text))};
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
    add(errors, mem_arena_strndup(&errors->arena, pointer, strlen(pointer)), code, fmt, args);
    va_end(args);
}

void config_errors_add_at(struct config_errors *errors, const struct config_path *path,
                          const char *code, const char *fmt, ...)
{
    if (is_full(errors))
        return;
    va_list args;
    va_start(args, fmt);
    add(errors, config_path_pointer(path, &errors->arena), code, fmt, args);
    va_end(args);
}

static void append_path(struct buf *buf, const struct config_path *path)
{
    if (path == NULL)
        return;
    append_path(buf, path->up); /* at most LIMIT_JSON_DEPTH deep */
    (void)buf_append_char(buf, '/');
    if (path->key == NULL) {
        (void)buf_printf(buf, "%zu", path->index);
        return;
    }
    for (const char *p = path->key; *p != '\0'; p++) {
        if (*p == '~')
            (void)buf_append_str(buf, "~0");
        else if (*p == '/')
            (void)buf_append_str(buf, "~1");
        else
            (void)buf_append_char(buf, *p);
    }
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
