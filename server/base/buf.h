/* A growing byte buffer with a cap: bytes are appended at the end and consumed from the start.
 *
 * Owner: whoever embeds it. Appending more than the cap allows is refused whole (false), nothing is
 * half-appended. Pointers into it are valid until the next append. cap_bytes 0 means no cap, for
 * buffers whose size is bounded by what fills them. */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include <stdarg.h>

#include "base/slice.h"

struct buf {
    char *data;
    size_t start, end, size_bytes, cap_bytes;
    bool is_secret; /* see buf_init_secret */
};

void buf_init(struct buf *b, size_t cap_bytes);
/* For keys and what holds them: memory is wiped before it is given back, also when it grows. */
void buf_init_secret(struct buf *b, size_t cap_bytes);
void buf_finish(struct buf *b);
static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}
static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data == NULL ? "" : b->data + b->start, b->end - b->start);
}
bool buf_append(struct buf *b, const void *p, size_t len);
bool buf_append_slice(struct buf *b, struct slice s);
bool buf_append_str(struct buf *b, const char *s);
bool buf_append_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Room for LEN bytes at the end (NULL over the cap); buf_commit then counts what was written. */
char *buf_reserve(struct buf *b, size_t len) MUST_CHECK;
void buf_commit(struct buf *b, size_t len);
/* Drops LEN bytes from the start. */
void buf_consume(struct buf *b, size_t len);
/* Empty again; the memory stays unless it is larger than KEEP_BYTES. */
void buf_clear(struct buf *b, size_t keep_bytes);
/* NUL-terminated view of the contents, valid until the next append. */
const char *buf_cstr(struct buf *b);

#endif
