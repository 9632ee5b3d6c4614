/* Files that must survive a power cut, and the lock that says a state directory is ours.
 * Every function blocks: never on a loop. */
#ifndef POSTERN_BASE_FILE_H
#define POSTERN_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Whole file into BUF (its cap holds). */
int file_read(const char *path, struct buf *buf, struct error *reterr) MUST_CHECK;
/* Temporary name, write, fsync, rename, fsync of the directory: old or new, never half. */
int file_replace(const char *path, struct slice bytes, mode_t mode,
                 struct error *reterr) MUST_CHECK;
int file_sync_dir(const char *dir, struct error *reterr) MUST_CHECK;
/* Makes the directory if it is missing (parents must exist); 0 when it is there already. */
int file_make_dir(const char *path, mode_t mode, struct error *reterr) MUST_CHECK;
/* Exclusive lock on PATH, held until the descriptor closes. ERR_EXISTS when another process has it.
 */
int file_lock(const char *path, int *ret_fd, struct error *reterr) MUST_CHECK;
/* Writes all of it at the offset; 0 or -errno. */
int file_pwrite_all(int fd, const void *p, size_t len, off_t offset);

#endif
