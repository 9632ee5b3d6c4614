/* Memory that is always there, and arenas: see mem.h.
 *
 * An allocation that fails aborts with one line. Nothing here caps sizes: what comes from outside
 * was capped before it got here, so a failure means that the machine is out of memory, and a mail
 * gateway that restarts from its spool is better off than one that limps on.
 *
 * An arena is a chain of blocks, newest first; small requests are cut from the newest, a request
 * too large for it gets a block of its own size. Blocks double up to ARENA_BLOCK_MAX, so that many
 * small arenas stay small and a large one needs few blocks. All of it is zeroed. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum { ARENA_BLOCK_MIN = 1024, ARENA_BLOCK_MAX = 65536 };

struct mem_arena_block {
    struct mem_arena_block *next;
    size_t size_bytes, used_bytes;
    _Alignas(max_align_t) char bytes[];
};

static void *checked(void *p, size_t size_bytes)
{
    if (p == NULL) {
        (void)fprintf(stderr, "postern: out of memory: %zu bytes\n", size_bytes);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size_bytes)
{
    return checked(malloc(size_bytes == 0 ? 1 : size_bytes), size_bytes);
}

void *mem_zalloc(size_t size_bytes)
{
    return checked(calloc(1, size_bytes == 0 ? 1 : size_bytes), size_bytes);
}

void *mem_realloc(void *p, size_t size_bytes)
{
    return checked(realloc(p, size_bytes == 0 ? 1 : size_bytes), size_bytes);
}

void *mem_array(size_t count, size_t size_bytes)
{
    ASSERT(size_bytes == 0 || count <= SIZE_MAX / size_bytes);
    return mem_zalloc(count * size_bytes);
}

char *mem_strndup(const char *s, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    ASSERT(len >= 0);
    char *text = mem_alloc((size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

void mem_free_at(void *pointer_to_pointer)
{
    /* Any object pointer may be behind it: copy the bytes instead of aliasing it as void *. */
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof(p));
    free(p);
}

void mem_wipe(void *p, size_t size_bytes)
{
    if (size_bytes > 0)
        explicit_bzero(p, size_bytes);
}

bool mem_eq_secret(const void *a, const void *b, size_t size_bytes)
{
    /* volatile: the compiler may not find out that one difference is enough. */
    const volatile unsigned char *p = a, *q = b;
    unsigned char difference = 0;
    for (size_t i = 0; i < size_bytes; i++)
        difference = (unsigned char)(difference | (p[i] ^ q[i]));
    return difference == 0;
}

void mem_arena_init(struct mem_arena *arena)
{
    *arena = (struct mem_arena){0};
}

static struct mem_arena_block *arena_grow(struct mem_arena *arena, size_t size_bytes)
{
    size_t size = arena->blocks == NULL ? ARENA_BLOCK_MIN : arena->blocks->size_bytes * 2;
    if (size > ARENA_BLOCK_MAX)
        size = ARENA_BLOCK_MAX;
    if (size < size_bytes)
        size = size_bytes;
    struct mem_arena_block *block = mem_zalloc(sizeof(*block) + size);
    block->size_bytes = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *mem_arena_alloc(struct mem_arena *arena, size_t size_bytes)
{
    const size_t align = _Alignof(max_align_t);
    ASSERT(size_bytes <= SIZE_MAX / 4);
    size_t rounded = (size_bytes + align - 1) / align * align;
    struct mem_arena_block *block = arena->blocks;
    if (block == NULL || block->size_bytes - block->used_bytes < rounded)
        block = arena_grow(arena, rounded);
    char *p = block->bytes + block->used_bytes;
    block->used_bytes += rounded;
    arena->used_bytes += rounded;
    return p;
}

char *mem_arena_strndup(struct mem_arena *arena, const char *s, size_t len)
{
    char *copy = mem_arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void mem_arena_finish(struct mem_arena *arena)
{
    if (arena == NULL)
        return;
    struct mem_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct mem_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct mem_arena){0};
}
