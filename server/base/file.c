/* Files that must survive a power cut: see file.h.
 *
 * Replacing a file is: write PATH.tmp, fsync it, rename it over PATH, fsync the directory. Before
 * the rename a crash leaves the old file (and a PATH.tmp that the next replace overwrites), after
 * it the new one; the fsync of the directory is what makes the rename itself durable. One writer a
 * path is assumed: state directories are locked (file_lock), so nobody else is there.
 *
 * The lock is flock(2): it goes with the open file, so it ends with the process whatever kills it,
 * and unlike a fcntl lock no unrelated close() drops it. The lock file stays behind on purpose:
 * removing it would let two processes lock two different inodes of the same name.
 *
 * Every function blocks and may be called from any thread that is not a loop. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILE_READ_STEP = 65536 };

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int file_read(const char *path, struct buf *buf, struct error *reterr)
{
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0) {
        int errnum = errno;
        if (errnum == ENOENT)
            return error_set(reterr, ERR_NOT_FOUND, "%s: no such file", path);
        return error_set_errno(reterr, errnum, "cannot open %s", path);
    }

    int result = 0;
    char *block = mem_alloc(FILE_READ_STEP);
    for (;;) {
        ssize_t n = read(fd, block, FILE_READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            result = error_set_errno(reterr, errno, "cannot read %s", path);
            break;
        }
        if (n == 0)
            break;
        if (!buf_append(buf, block, (size_t)n)) {
            result =
                error_set(reterr, ERR_FULL, "%s is larger than %zu bytes", path, buf->cap_bytes);
            break;
        }
    }
    /* It may have been a key: nothing of it stays behind. */
    mem_wipe(block, FILE_READ_STEP);
    free(block);
    (void)close(fd); /* opened for reading: a failing close loses nothing */
    return result;
}

int file_pwrite_all(int fd, const void *p, size_t len, off_t offset)
{
    const char *at = p;
    while (len > 0) {
        ssize_t n = pwrite(fd, at, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        /* POSIX lets a write on a full device end early once; the next call gives the reason. */
        if (n == 0)
            return -ENOSPC;
        at += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

int file_sync_dir(const char *dir, struct error *reterr)
{
    int fd = open_retry(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot open directory %s", dir);
    int r = fsync(fd);
    int errnum = errno;
    (void)close(fd); /* nothing was written through it */
    if (r < 0)
        return error_set_errno(reterr, errnum, "cannot sync directory %s", dir);
    return 0;
}

/* The directory part of PATH, "." when it has none; the caller frees it. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    if (slash == path)
        return mem_strdup("/");
    return mem_strndup(path, (size_t)(slash - path));
}

int file_replace(const char *path, struct slice bytes, mode_t mode, struct error *reterr)
{
    int result = 0;
    int r;
    char *dir = dir_of(path);
    char *temporary = mem_printf("%s.tmp", path);

    /* 0600 until all is written, whatever MODE says: half a file is nobody's business. */
    int fd = open_retry(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        result = error_set_errno(reterr, errno, "cannot create %s", temporary);
        goto free_names;
    }
    r = file_pwrite_all(fd, bytes.p, bytes.len, 0);
    if (r < 0) {
        result = error_set_errno(reterr, -r, "cannot write %s", temporary);
        goto close_file;
    }
    r = fchmod(fd, mode);
    if (r < 0) {
        result = error_set_errno(reterr, errno, "cannot set the mode of %s", temporary);
        goto close_file;
    }
    r = fsync(fd);
    if (r < 0) {
        result = error_set_errno(reterr, errno, "cannot sync %s", temporary);
        goto close_file;
    }
    r = rename(temporary, path);
    if (r < 0) {
        result = error_set_errno(reterr, errno, "cannot rename %s to %s", temporary, path);
        goto close_file;
    }
    result = file_sync_dir(dir, reterr);

close_file:
    (void)close(fd); /* fsync has told all that close could */
    if (result < 0)
        (void)unlink(temporary); /* best effort: the next replace overwrites it anyway */
free_names:
    free(temporary);
    free(dir);
    return result;
}

int file_make_dir(const char *path, mode_t mode, struct error *reterr)
{
    int r = mkdir(path, mode);
    if (r == 0)
        return 0;
    int errnum = errno;
    struct stat st;
    if (errnum == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        errnum = ENOTDIR;
    }
    return error_set_errno(reterr, errnum, "cannot make directory %s", path);
}

int file_lock(const char *path, int *ret_fd, struct error *reterr)
{
    int fd = open_retry(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot open lock %s", path);
    int r;
    do {
        r = flock(fd, LOCK_EX | LOCK_NB);
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        int errnum = errno;
        (void)close(fd); /* nothing was written through it */
        if (errnum == EWOULDBLOCK)
            return error_set(reterr, ERR_EXISTS, "%s is locked by another process", path);
        return error_set_errno(reterr, errnum, "cannot lock %s", path);
    }
    *ret_fd = fd;
    return 0;
}
