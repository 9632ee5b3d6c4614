/* Memory that is always there: every allocation aborts the process when the system has none left,
 * so that no caller carries an untestable branch. Sizes from outside are capped before they come
 * here (base/limits.h).
 *
 * An arena gives memory that ends all at once (a transaction, a request, a snapshot): no free
 * inside, one mem_arena_finish. Not thread-safe. */
#ifndef POSTERN_BASE_MEM_H
#define POSTERN_BASE_MEM_H

#include <stdbool.h>

#include "base/compiler.h"

void *mem_alloc(size_t size_bytes) MUST_CHECK;
void *mem_zalloc(size_t size_bytes) MUST_CHECK;
void *mem_realloc(void *p, size_t size_bytes) MUST_CHECK;
/* COUNT * SIZE, zeroed, aborts on overflow. */
void *mem_array(size_t count, size_t size_bytes) MUST_CHECK;
char *mem_strdup(const char *s) MUST_CHECK;
char *mem_strndup(const char *s, size_t len) MUST_CHECK;
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
/* For SCOPED(mem_free_at): frees what the pointer variable holds. */
void mem_free_at(void *pointer_to_pointer);
/* Overwrites memory so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t size_bytes);
/* Whether both hold the same bytes. The time depends on the size only, so it may look at secrets.
 */
bool mem_eq_secret(const void *a, const void *b, size_t size_bytes) MUST_CHECK;

#define MEM_NEW(type) ((type *)mem_zalloc(sizeof(type)))

struct mem_arena_block;

struct mem_arena {
    struct mem_arena_block *blocks; /* newest first */
    size_t used_bytes;              /* given out so far, for caps */
};

void mem_arena_init(struct mem_arena *arena);
/* Zeroed, aligned for any type. */
void *mem_arena_alloc(struct mem_arena *arena, size_t size_bytes) MUST_CHECK;
char *mem_arena_strndup(struct mem_arena *arena, const char *s, size_t len) MUST_CHECK;
void mem_arena_finish(struct mem_arena *arena);

#endif
