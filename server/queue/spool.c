/* The spool on disk, and the door to both kinds: see spool.h.
 *
 *   DIR/0/salt          random number of this spool, 16 hex digits
 *   DIR/0/<seq>.seg     the log
 *   DIR/0/body/<mid>.eml  a large body
 *   DIR/0/reserve       space set aside (committer.c)
 *
 * A body file has no name while it is written (O_TMPFILE), so a crash leaves nothing behind; it
 * gets one with linkat once its bytes are durable, and the directory is synced before the record
 * that names it is submitted. Reading opens, reads, closes. Each start begins a new segment, so
 * that nothing is ever written behind a torn tail. Threads: as spool.h says; the struct does not
 * change after open. */
#include "queue/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "queue/committer.h"
#include "queue/recover.h"
#include "queue/segment.h"
#include "queue/spool_priv.h"

enum {
    RESERVE_BYTES = 4194304,
    SEGMENT_BYTES_MAX = 1073741824, /* the ledger keeps offsets in 32 bits */
    SPACE_INODES_MIN = 64,
};

struct spool_disk {
    struct spool spool;
    char *dir, *body_dir;
    struct committer *committer;
    uint64_t reserve_bytes;
};

static struct spool_disk *disk_of(struct spool *spool)
{
    return CONTAINER_OF(spool, struct spool_disk, spool);
}

static void body_path(const struct spool_disk *disk, uint64_t mid, char path[SEGMENT_PATH_MAX])
{
    /* body_dir is at most SPOOL_DIR_MAX and a little long. */
    (void)snprintf(path, SEGMENT_PATH_MAX, "%s/%llu.eml", disk->body_dir, (unsigned long long)mid);
}

static void disk_close(struct spool *spool)
{
    struct spool_disk *disk = disk_of(spool);
    committer_stop(disk->committer);
    free(disk->body_dir);
    free(disk->dir);
    free(disk);
}

static void disk_submit(struct spool *spool, struct spool_request *request)
{
    committer_submit(disk_of(spool)->committer, request);
}

static void disk_stats(struct spool *spool, struct spool_stats *ret_stats)
{
    committer_stats(disk_of(spool)->committer, ret_stats);
}

static int disk_state(struct spool *spool)
{
    return committer_state(disk_of(spool)->committer);
}

static int disk_check_space(struct spool *spool, uint64_t size_bytes)
{
    struct spool_disk *disk = disk_of(spool);
    struct statvfs st;
    int r = statvfs(disk->dir, &st);
    if (r < 0)
        return ERR_IO;
    uint64_t free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    /* File systems without a fixed number of inodes say 0 of 0. */
    if (st.f_files > 0 && st.f_favail < SPACE_INODES_MIN)
        return ERR_FULL;
    return free_bytes < size_bytes + disk->reserve_bytes ? ERR_FULL : 0;
}

static int disk_body_open(struct spool_body_writer *writer, struct error *reterr)
{
    struct spool_disk *disk = disk_of(writer->spool);
    writer->fd = open(disk->body_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return error_set_errno(reterr, errno, "cannot make a body file in %s", disk->body_dir);
    return 0;
}

static int disk_body_write(struct spool_body_writer *writer, struct slice bytes,
                           struct error *reterr)
{
    int r = file_pwrite_all(writer->fd, bytes.p, bytes.len, (off_t)writer->size_bytes);
    if (r < 0)
        return error_set_errno(reterr, -r, "cannot write a message body");
    return 0;
}

static int disk_body_finish(struct spool_body_writer *writer, struct error *reterr)
{
    struct spool_disk *disk = disk_of(writer->spool);
    char from[64], path[SEGMENT_PATH_MAX];
    int r = fdatasync(writer->fd);
    if (r < 0)
        return error_set_errno(reterr, errno, "cannot sync a message body");
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", writer->fd); /* always fits */
    body_path(disk, writer->mid, path);
    r = linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
    if (r < 0)
        return error_set_errno(reterr, errno, "cannot name %s", path);
    r = file_sync_dir(disk->body_dir, reterr);
    if (r < 0)
        (void)unlink(path); /* else the sweep at the next start takes it */
    return r;
}

static void disk_body_close(struct spool_body_writer *writer)
{
    (void)close(writer->fd); /* synced when it was finished, unwanted when not */
}

static void disk_body_discard(struct spool *spool, uint64_t mid)
{
    char path[SEGMENT_PATH_MAX];
    body_path(disk_of(spool), mid, path);
    (void)unlink(path); /* else the sweep at the next start takes it */
}

static ssize_t disk_read(struct spool *spool, const struct spool_location *location,
                         uint64_t offset, void *p, size_t len, struct error *reterr)
{
    struct spool_disk *disk = disk_of(spool);
    char path[SEGMENT_PATH_MAX];
    if (location->segment == 0)
        body_path(disk, location->mid, path);
    else
        segment_path(disk->dir, location->segment, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return error_set(reterr, ERR_NOT_FOUND, "message %llu is gone",
                         (unsigned long long)location->mid);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", path);
    ssize_t n;
    do {
        n = pread(fd, p, len, (off_t)(location->offset + offset));
    } while (n < 0 && errno == EINTR);
    int errnum = errno;
    (void)close(fd); /* opened for reading */
    if (n < 0)
        return error_set_errno(reterr, errnum, "cannot read %s", path);
    /* The caller asked for bytes that the body has. */
    if (n == 0)
        return error_set(reterr, ERR_IO, "%s is shorter than the message in it", path);
    return n;
}

static const struct spool_ops disk_ops = {
    .close = disk_close,
    .submit = disk_submit,
    .stats = disk_stats,
    .state = disk_state,
    .check_space = disk_check_space,
    .body_open = disk_body_open,
    .body_write = disk_body_write,
    .body_finish = disk_body_finish,
    .body_close = disk_body_close,
    .body_discard = disk_body_discard,
    .read = disk_read,
};

/* The spool's salt, made at its first opening. */
static int salt_load(const char *dir, uint64_t fresh, uint64_t *ret_salt, struct error *reterr)
{
    char path[SEGMENT_PATH_MAX], text[32];
    struct buf buf;
    (void)snprintf(path, sizeof(path), "%s/salt", dir); /* dir is capped */
    buf_init(&buf, sizeof(text) - 1);
    int r = file_read(path, &buf, reterr);
    if (r == ERR_NOT_FOUND) {
        (void)snprintf(text, sizeof(text), "%016llx\n", (unsigned long long)fresh);
        r = file_replace(path, slice_str(text), 0600, reterr);
        *ret_salt = fresh;
    } else if (r == 0) {
        char *end;
        errno = 0;
        *ret_salt = strtoull(buf_cstr(&buf), &end, 16);
        if (errno != 0 || *end != '\n')
            r = error_set(reterr, ERR_INVALID, "%s does not hold a number", path);
    }
    buf_finish(&buf);
    return r;
}

static int make_dirs(const char *dir, const struct spool_disk *disk, struct error *reterr)
{
    int r = file_make_dir(dir, 0700, reterr);
    if (r == 0)
        r = file_make_dir(disk->dir, 0700, reterr);
    if (r == 0)
        r = file_make_dir(disk->body_dir, 0700, reterr);
    if (r == 0)
        r = file_sync_dir(disk->dir, reterr);
    if (r == 0)
        r = file_sync_dir(dir, reterr);
    return r;
}

int spool_open(const char *dir, const struct spool_opts *opts, struct spool **ret_spool,
               struct error *reterr)
{
    if (strlen(dir) > SPOOL_DIR_MAX)
        return error_set(reterr, ERR_INVALID, "the spool's path is longer than %d", SPOOL_DIR_MAX);
    struct ledger ledger;
    struct committer_opts committer = {
        .segment_bytes = opts->segment_bytes == 0 ? LIMIT_SEGMENT_BYTES : opts->segment_bytes,
        .reserve_bytes = opts->reserve_bytes == 0 ? RESERVE_BYTES : opts->reserve_bytes,
        .ledger = &ledger,
    };
    if (committer.segment_bytes > SEGMENT_BYTES_MAX)
        committer.segment_bytes = SEGMENT_BYTES_MAX;
    struct spool_disk *disk = MEM_NEW(struct spool_disk);
    disk->spool.ops = &disk_ops;
    disk->dir = mem_printf("%s/0", dir);
    disk->body_dir = mem_printf("%s/0/body", dir);
    disk->reserve_bytes = committer.reserve_bytes;
    committer.dir = disk->dir;
    committer.body_dir = disk->body_dir;
    ledger_init(&ledger);

    int r = make_dirs(dir, disk, reterr);
    if (r == 0)
        r = salt_load(disk->dir, opts->salt, &committer.salt, reterr);
    if (r < 0)
        goto fail;
    const struct recover recover = {
        .dir = disk->dir,
        .body_dir = disk->body_dir,
        .salt = committer.salt,
        .opts = opts,
    };
    r = recover_run(&recover, &ledger, &committer.first_segment, &committer.first_seq, reterr);
    if (r < 0)
        goto fail;
    r = committer_start(&committer, &disk->committer, reterr);
    if (r < 0)
        goto fail;
    ledger_finish(&ledger);
    *ret_spool = &disk->spool;
    return 0;

fail:
    ledger_finish(&ledger);
    free(disk->body_dir);
    free(disk->dir);
    free(disk);
    return r;
}

/* ---- both kinds ---- */

void spool_close(struct spool *spool)
{
    if (spool != NULL)
        spool->ops->close(spool);
}

void spool_submit(struct spool *spool, struct spool_request *request)
{
    spool->ops->submit(spool, request);
}

void spool_stats_get(struct spool *spool, struct spool_stats *ret_stats)
{
    spool->ops->stats(spool, ret_stats);
}

int spool_state(struct spool *spool)
{
    return spool->ops->state(spool);
}

int spool_check_space(struct spool *spool, uint64_t size_bytes)
{
    return spool->ops->check_space(spool, size_bytes);
}

int spool_body_open(struct spool *spool, uint64_t mid, struct spool_body_writer **ret_writer,
                    struct error *reterr)
{
    struct spool_body_writer *writer = MEM_NEW(struct spool_body_writer);
    writer->spool = spool;
    writer->mid = mid;
    int r = spool->ops->body_open(writer, reterr);
    if (r < 0) {
        free(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

int spool_body_write(struct spool_body_writer *writer, struct slice bytes, struct error *reterr)
{
    if (bytes.len > LIMIT_MESSAGE_BYTES + (uint64_t)LIMIT_HEADER_BYTES - writer->size_bytes)
        return error_set(reterr, ERR_FULL, "a message body over its cap");
    int r = writer->spool->ops->body_write(writer, bytes, reterr);
    if (r == 0)
        writer->size_bytes += bytes.len;
    return r;
}

int spool_body_finish(struct spool_body_writer *writer, uint64_t *ret_size_bytes,
                      struct error *reterr)
{
    int r = writer->spool->ops->body_finish(writer, reterr);
    if (r == 0)
        *ret_size_bytes = writer->size_bytes;
    spool_body_abort(writer);
    return r;
}

void spool_body_abort(struct spool_body_writer *writer)
{
    if (writer == NULL)
        return;
    writer->spool->ops->body_close(writer);
    free(writer);
}

void spool_body_discard(struct spool *spool, uint64_t mid)
{
    spool->ops->body_discard(spool, mid);
}

ssize_t spool_read(struct spool *spool, const struct spool_location *location, uint64_t offset,
                   void *p, size_t len, struct error *reterr)
{
    return spool->ops->read(spool, location, offset, p, len, reterr);
}
