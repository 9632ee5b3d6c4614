/* Environment errors: what the machine refused us (I/O, DNS, a full disk).
 *
 * A function that can fail this way returns 0 or a negative `enum err`; one that can say more takes
 * a last parameter `struct error *reterr` (may be NULL) and fills it only on failure.
 * Bugs are ASSERTs, memory never runs out (base/mem.h), and what a peer or an administrator got
 * wrong is a value of its own (a reply, a list of pointers), never an `enum err`. */
#ifndef POSTERN_BASE_ERR_H
#define POSTERN_BASE_ERR_H

#include "base/compiler.h"

enum err {
    ERR_NONE = 0,
    ERR_IO = -1,        /* a system call failed: the text has its errno in words */
    ERR_FULL = -2,      /* no space, no inode, quota; or a named cap was reached */
    ERR_NOT_FOUND = -3, /* the thing asked for is not there */
    ERR_EXISTS = -4,    /* the thing to be made is there already, or is locked by another process */
    ERR_INVALID = -5,   /* the bytes are not what their format demands */
    ERR_BUSY = -6,      /* try again later */
    ERR_CLOSED = -7,    /* the object is stopping, or the peer is gone */
    ERR_TIMEOUT = -8,   /* the deadline passed */
    ERR_CRYPTO = -9,    /* GnuTLS refused */
    ERR_DB = -10,       /* SQLite refused */
};

enum { ERROR_TEXT_MAX = 512 };

struct error {
    enum err code;
    char text[ERROR_TEXT_MAX]; /* one line, no trailing full stop */
};

/* Fills *reterr (if not NULL) and returns CODE, so that a caller can `return error_set(...)`. */
int error_set(struct error *reterr, enum err code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with ": <strerror(errnum)>" behind the text; ENOSPC and EDQUOT give ERR_FULL, else
 * ERR_IO. */
int error_set_errno(struct error *reterr, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

#ifdef __clang_analyzer__ /* which looks at one file at a time: neither ever returns 0 */
#define error_set(reterr, code, ...) ((void)(error_set)(reterr, code, __VA_ARGS__), (int)(code))
#define error_set_errno(reterr, errnum, ...)                                                       \
    ((void)(error_set_errno)(reterr, errnum, __VA_ARGS__), (int)ERR_IO)
#endif

#endif
