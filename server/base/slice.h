/* Bytes with a length that belong to somebody else: what comes from outside travels as a slice.
 * A slice is valid as long as its owner says. No NUL is expected or added. */
#ifndef POSTERN_BASE_SLICE_H
#define POSTERN_BASE_SLICE_H

#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"

struct slice {
    const char *p;
    size_t len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){.p = (literal), .len = sizeof(literal) - 1})

/* For printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)(s).len, (s).p

static inline struct slice slice_of(const char *p, size_t len)
{
    return (struct slice){.p = p, .len = len};
}

static inline struct slice slice_str(const char *s)
{
    return (struct slice){.p = s, .len = s == NULL ? 0 : strlen(s)};
}

bool slice_eq(struct slice a, struct slice b);
/* ASCII letters only: never the locale's. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends_nocase(struct slice s, struct slice suffix);
/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);
/* Position of the first C, or s.len. */
size_t slice_find(struct slice s, char c);
/* Cuts off and returns what stands before the first C; *s keeps what follows it. */
struct slice slice_cut(struct slice *s, char c);
/* Digits only, no sign, no blank; false on empty, other characters or a value over MAX. */
bool slice_to_u64(struct slice s, unsigned long long max, unsigned long long *ret_value) MUST_CHECK;
/* NUL-terminated copy on the heap; the caller frees it. */
char *slice_dup(struct slice s) MUST_CHECK;

#endif
