/* The few compiler extensions Postern uses, each behind one name.
 * Everything else is plain C17. */
#ifndef POSTERN_BASE_COMPILER_H
#define POSTERN_BASE_COMPILER_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NONNULL(...)            __attribute__((nonnull(__VA_ARGS__)))
#define MUST_CHECK              __attribute__((warn_unused_result))
#define SCOPED(fn)              __attribute__((cleanup(fn)))
#define TARGET(instructions)    __attribute__((target(instructions)))

/* A bug, never a peer's or an administrator's mistake: says where and aborts, in every build. */
#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "postern: bug: %s:%d: %s\n", __FILE__, __LINE__, #cond);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The object that holds MEMBER at PTR. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
