/* The one-time setup code: who can read STATE_DIR/setup-code may make the first administrator, or,
 * after `postern admin-reset`, one more. There is no default password.
 *
 *     first start, no administrator: setup_code_ensure -> the file is there until it is used
 *     POST /setup: setup_code_check -> right: hash the password on a worker -> setup_code_check
 * again
 *         -> users_setup -> setup_code_remove
 *     postern admin-reset: setup_code_renew, while the daemon runs or not
 *
 * 125 bits, as 5 groups of 5 signs of base32 in capitals: `7KQ2M-…`. Typed in any case, with or
 * without dashes and blanks; O is read as 0, I and L as 1. The file has mode 0600, is written as a
 * whole or not at all, and is read at each check, so a renewed code counts at once and the old one
 * no more. All of it blocks (a small file). */
#ifndef POSTERN_CONFIG_SETUP_CODE_H
#define POSTERN_CONFIG_SETUP_CODE_H

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

enum { SETUP_CODE_SIZE = 30 /* NUL included */ };

/* Keeps the code that is there, or makes one; a file that holds no code is replaced.
 * ERR_IO, ERR_FULL. */
int setup_code_ensure(const char *state_dir, const struct clock *clock,
                      char ret_code[SETUP_CODE_SIZE], struct error *reterr) MUST_CHECK;
/* A new code, whatever was there. */
int setup_code_renew(const char *state_dir, const struct clock *clock,
                     char ret_code[SETUP_CODE_SIZE], struct error *reterr) MUST_CHECK;
/* Whether there is a code, so that /setup may be asked at all. False if it cannot be read. */
bool setup_code_exists(const char *state_dir) MUST_CHECK;
/* Whether GIVEN (any bytes) is the code; in constant time. False if there is none. */
bool setup_code_check(const char *state_dir, struct slice given) MUST_CHECK;
/* Durable: it is gone after a power cut too. 0 if it is gone already. ERR_IO: it may come back. */
int setup_code_remove(const char *state_dir, struct error *reterr) MUST_CHECK;

#endif
