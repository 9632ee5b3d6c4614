/* See walk.h.
 *
 * The block holds what was read and not yet given out. A line that begins before it makes it grow
 * downwards, until the line is too long: then it is dropped, and so is whatever turns out to stand
 * before the place that belongs to it: a place that has no line feed in front of it is inside of
 * something that is passed over.
 *
 * While a file is being rotated its old and its new name stand for the same file for a moment
 * (sink_log.c): then the new name counts, and there is no current file. */
#include "trace/walk.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { OPEN_TRIES = 16, PEEK_BYTES = 16384 };

static bool is_same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* only read */
    *fd = -1;
}

/* The current file, and the others as they are beside it. */
static int open_current(struct walk *walk, struct error *reterr)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        struct trace_files before;
        int r = trace_files_list(walk->dir, walk->name, &before, reterr);
        if (r < 0)
            return r;
        close_fd(&walk->current_fd);
        walk->current_fd = trace_files_open(walk->dir, walk->name, 0);
        trace_files_finish(&walk->files);
        r = trace_files_list(walk->dir, walk->name, &walk->files, reterr);
        uint64_t next = trace_files_next_number(&before);
        trace_files_finish(&before);
        if (r < 0)
            return r;
        if (next == trace_files_next_number(&walk->files))
            break; /* no rotation in between */
    }
    walk->current_number = trace_files_next_number(&walk->files);
    if (walk->current_fd >= 0 && walk->files.count > 0) {
        int newest =
            trace_files_open(walk->dir, walk->name, walk->files.numbers[walk->files.count - 1]);
        if (newest >= 0 && is_same_file(newest, walk->current_fd))
            close_fd(&walk->current_fd);
        close_fd(&newest);
    }
    if (walk->current_fd < 0)
        walk->current_number = 0;
    return 0;
}

int walk_open(struct walk *walk, const char *dir, const char *name, struct error *reterr)
{
    *walk = (struct walk){.dir = dir, .name = name, .current_fd = -1, .fd = -1};
    int r = open_current(walk, reterr);
    if (r < 0) {
        walk_close(walk);
        return r;
    }
    walk_seek(walk, UINT64_MAX, UINT64_MAX);
    return 0;
}

static void close_file(struct walk *walk)
{
    if (walk->fd != walk->current_fd)
        close_fd(&walk->fd);
    walk->fd = -1;
    walk->used_bytes = 0;
}

void walk_close(struct walk *walk)
{
    close_file(walk);
    close_fd(&walk->current_fd);
    trace_files_finish(&walk->files);
    free(walk->block);
    walk->block = NULL;
}

static bool stand(struct walk *walk, int fd, uint64_t number, uint64_t offset)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return false;
    walk->fd = fd;
    walk->number = number;
    walk->offset = offset < (uint64_t)st.st_size ? offset : (uint64_t)st.st_size;
    walk->base = walk->offset;
    walk->used_bytes = 0;
    return true;
}

/* The newest file with a number of at most NUMBER. False: there is none. */
static bool stand_at_most(struct walk *walk, uint64_t number, uint64_t offset)
{
    close_file(walk);
    if (walk->current_number > 0 && walk->current_number <= number &&
        stand(walk, walk->current_fd, walk->current_number,
              walk->current_number == number ? offset : UINT64_MAX))
        return true;
    for (size_t i = walk->files.count; i-- > 0;) {
        uint64_t each = walk->files.numbers[i];
        if (each > number)
            continue;
        int fd = trace_files_open(walk->dir, walk->name, each);
        if (stand(walk, fd, each, each == number ? offset : UINT64_MAX))
            return true;
        close_fd(&fd);
    }
    walk->number = 0;
    walk->offset = 0;
    return false;
}

void walk_seek(struct walk *walk, uint64_t number, uint64_t offset)
{
    (void)stand_at_most(walk, number, offset); /* none: the next step says so */
}

/* Reads the block before `base`, in front of what is kept. False: the file has shrunk or cannot be
 * read. */
static bool read_block(struct walk *walk)
{
    size_t len = walk->base < WALK_BLOCK_BYTES ? (size_t)walk->base : WALK_BLOCK_BYTES;
    size_t kept = (size_t)(walk->offset - walk->base);
    if (walk->size_bytes < len + kept) {
        walk->size_bytes = len + kept;
        walk->block = mem_realloc(walk->block, walk->size_bytes);
    }
    memmove(walk->block + len, walk->block, kept);
    for (size_t done = 0; done < len;) {
        ssize_t n =
            pread(walk->fd, walk->block + done, len - done, (off_t)(walk->base - len + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    walk->base -= len;
    walk->used_bytes = len + kept;
    walk->read_bytes += len;
    return true;
}

/* Takes the last line out of the block. False: it has none that is whole. */
static bool take_line(struct walk *walk, struct slice *ret_line)
{
    size_t end = (size_t)(walk->offset - walk->base);
    while (end > 0 && walk->block[end - 1] != '\n') {
        /* Inside of something that is passed over. */
        const char *feed = memrchr(walk->block, '\n', end);
        end = feed == NULL ? 0 : (size_t)(feed - walk->block) + 1;
        walk->offset = walk->base + end;
    }
    if (end == 0)
        return false;
    const char *feed = memrchr(walk->block, '\n', end - 1);
    if (feed == NULL && walk->base > 0) {
        if (end > WALK_LINE_MAX)
            walk->offset = walk->base; /* too long */
        return false;
    }
    size_t start = feed == NULL ? 0 : (size_t)(feed - walk->block) + 1;
    *ret_line = slice_of(walk->block + start, end - 1 - start);
    walk->offset = walk->base + start;
    return true;
}

enum walk_step walk_next(struct walk *walk, struct slice *ret_line)
{
    if (walk->fd < 0)
        return WALK_STEP_END;
    while (walk->offset > walk->base)
        if (take_line(walk, ret_line)) {
            if (ret_line->len <= WALK_LINE_MAX)
                return WALK_STEP_LINE;
        } else {
            break;
        }
    if (walk->base > 0 && walk->offset > 0) {
        if (read_block(walk))
            return WALK_STEP_BLOCK;
    }
    return stand_at_most(walk, walk->number - 1, UINT64_MAX) ? WALK_STEP_FILE : WALK_STEP_END;
}

void walk_cut(struct walk *walk, uint64_t offset)
{
    if (offset >= walk->offset)
        return;
    walk->offset = walk->base = offset;
    walk->used_bytes = 0;
}

bool walk_is_at_end(const struct walk *walk)
{
    return walk->fd < 0 || (walk->offset == 0 &&
                            (walk->files.count == 0 || walk->number <= walk->files.numbers[0]));
}

uint64_t walk_peek(struct walk *walk, uint64_t offset, char *p, size_t len)
{
    char block[PEEK_BYTES];
    /* One byte more in front: a line begins behind a line feed. */
    uint64_t from = offset > 0 ? offset - 1 : 0;
    ssize_t n = pread(walk->fd, block, sizeof(block), (off_t)from);
    if (n <= 0)
        return UINT64_MAX;
    walk->read_bytes += (uint64_t)n;
    size_t start = 0;
    if (offset > 0) {
        const char *feed = memchr(block, '\n', (size_t)n);
        if (feed == NULL)
            return UINT64_MAX;
        start = (size_t)(feed - block) + 1;
    }
    if (start + len > (size_t)n)
        return UINT64_MAX;
    memcpy(p, block + start, len);
    return from + start;
}
