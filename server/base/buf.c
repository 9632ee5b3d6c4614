/* The growing byte buffer: see buf.h for what it promises.
 *
 * Layout: data[0..size_bytes] is one allocation, contents are data[start..end). One byte more than
 * is ever counted is kept behind the contents, so that buf_cstr can put its NUL without growing.
 * Space freed at the start by buf_consume is taken back (memmove) only when an append would
 * otherwise grow the allocation, and only when at least half is free: each byte is moved at most a
 * constant number of times, so a session that appends and consumes for ever stays linear.
 *
 * Invariants: start <= end <= size_bytes; end - start <= cap_bytes when there is a cap.
 * The owner thread is whoever embeds it. */
#include "base/buf.h"

#include <stdint.h>

#include "base/mem.h"

enum { BUF_SIZE_MIN = 64 };

void buf_init(struct buf *b, size_t cap_bytes)
{
    *b = (struct buf){.cap_bytes = cap_bytes};
}

void buf_init_secret(struct buf *b, size_t cap_bytes)
{
    *b = (struct buf){.cap_bytes = cap_bytes, .is_secret = true};
}

/* The allocation goes back; the buffer is empty then. */
static void release(struct buf *b)
{
    if (b->is_secret && b->data != NULL)
        mem_wipe(b->data, b->size_bytes + 1);
    free(b->data);
    b->data = NULL;
    b->size_bytes = b->start = b->end = 0;
}

void buf_finish(struct buf *b)
{
    if (b != NULL)
        release(b);
}

/* False when LEN more bytes would break the cap. */
static bool has_room(const struct buf *b, size_t len)
{
    size_t used = b->end - b->start;
    if (len > SIZE_MAX / 4 - used)
        return false;
    return b->cap_bytes == 0 || (used <= b->cap_bytes && len <= b->cap_bytes - used);
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (!has_room(b, len))
        return NULL;
    if (b->data != NULL && b->size_bytes - b->end >= len)
        return b->data + b->end;

    size_t used = b->data == NULL ? 0 : b->end - b->start;
    if (b->data != NULL && used + len <= b->size_bytes && b->start >= b->size_bytes / 2) {
        memmove(b->data, b->data + b->start, used);
    } else {
        size_t size = b->size_bytes < BUF_SIZE_MIN ? BUF_SIZE_MIN : b->size_bytes;
        while (size < used + len)
            size *= 2;
        char *data = mem_alloc(size + 1);
        if (b->data != NULL)
            memcpy(data, b->data + b->start, used);
        release(b);
        b->data = data;
        b->size_bytes = size;
    }
    b->start = 0;
    b->end = used;
    return b->data + b->end;
}

void buf_commit(struct buf *b, size_t len)
{
    ASSERT(len <= b->size_bytes - b->end);
    b->end += len;
}

bool buf_append(struct buf *b, const void *p, size_t len)
{
    char *at = buf_reserve(b, len);
    if (at == NULL)
        return false;
    if (len > 0)
        memcpy(at, p, len);
    b->end += len;
    return true;
}

bool buf_append_slice(struct buf *b, struct slice s)
{
    return buf_append(b, s.p, s.len);
}

bool buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

bool buf_append_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

bool buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    ASSERT(len >= 0);

    char *at = buf_reserve(b, (size_t)len);
    if (at == NULL)
        return false;
    /* The spare byte behind the allocation takes the NUL. */
    (void)vsnprintf(at, (size_t)len + 1, fmt, args);
    b->end += (size_t)len;
    return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool is_done = buf_vprintf(b, fmt, args);
    va_end(args);
    return is_done;
}

void buf_consume(struct buf *b, size_t len)
{
    ASSERT(len <= b->end - b->start);
    b->start += len;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buf_clear(struct buf *b, size_t keep_bytes)
{
    b->start = b->end = 0;
    if (b->size_bytes > keep_bytes)
        release(b);
}

const char *buf_cstr(struct buf *b)
{
    if (b->data == NULL)
        return "";
    b->data[b->end] = '\0';
    return b->data + b->start;
}
