/* Passwords of administrators: hashed by yescrypt, which libcrypt has (crypt(5)), and by nothing
 * else.
 *
 * Hashing and verifying take tens of milliseconds and 16 MiB of memory: on a worker (base/work.h),
 * never on a loop, never on main. Nothing is kept between calls, so any number of workers may call
 * at the same time. Every copy made in here is wiped; the caller wipes its own (mem_wipe). */
#ifndef POSTERN_CONFIG_PASSWORD_H
#define POSTERN_CONFIG_PASSWORD_H

#include "base/clock.h"
#include "config/config.h"

enum {
    PASSWORD_MIN = 8,         /* bytes */
    PASSWORD_MAX = 1024,      /* bytes */
    PASSWORD_HASH_SIZE = 128, /* of a hash as text, its NUL included */
};

/* Whether it may become somebody's password: PASSWORD_MIN..PASSWORD_MAX bytes, no NUL. Else false,
 * and value.length or value.pattern is added to ERRORS at POINTER; the text never quotes it. Cheap:
 * any thread. */
bool password_check(struct slice password, const char *pointer, struct config_errors *errors);

/* The hash of an allowed password under a new salt. ERR_CRYPTO: libcrypt refuses (out of memory,
 * a system without yescrypt). */
int password_hash(struct slice password, const struct clock *clock,
                  char ret_hash[PASSWORD_HASH_SIZE], struct error *reterr) MUST_CHECK;

/* Whether HASH is that of the password. HASH NULL (there is no such user) is never right but costs
 * the same time as a real one, and so does a password that is not allowed, so that the time tells
 * nobody which users there are. */
bool password_verify(struct slice password, const char *hash) MUST_CHECK;

#endif
