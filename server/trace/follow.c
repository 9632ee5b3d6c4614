/* See follow.h. That the file has lost its name is looked at before it is read to its end for the
 * last time: whoever rotates has written everything that belongs in it by then. */
#include "trace/follow.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "trace/files.h"
#include "trace/walk.h"

enum { READ_BYTES = 65536, OPEN_TRIES = 16 };

void follow_open(struct follow *follow, const char *dir, const char *name, int fd, uint64_t number,
                 uint64_t offset)
{
    *follow =
        (struct follow){.dir = dir, .name = name, .fd = fd, .number = number, .offset = offset};
    buf_init(&follow->pending, 0);
}

void follow_close(struct follow *follow)
{
    if (follow->fd >= 0)
        (void)close(follow->fd); /* only read */
    follow->fd = -1;
    buf_finish(&follow->pending);
}

static bool is_named(const struct follow *follow, int fd, uint64_t number)
{
    struct stat open_st, named_st;
    char *path = trace_files_path(follow->dir, follow->name, number);
    bool is_same = fstat(fd, &open_st) == 0 && stat(path, &named_st) == 0 &&
                   open_st.st_dev == named_st.st_dev && open_st.st_ino == named_st.st_ino;
    free(path);
    return is_same;
}

/* The rotated file that comes behind the one that is open, by number; 0: none does.
 * *RET_CURRENT: the number that the current file will have. */
static uint64_t look_behind(struct follow *follow, uint64_t *ret_current)
{
    struct trace_files files;
    uint64_t found = 0;
    *ret_current = follow->number + 1;
    if (trace_files_list(follow->dir, follow->name, &files, NULL) < 0)
        return 0;
    for (size_t i = 0; i < files.count && found == 0; i++) {
        if (files.numbers[i] <= follow->number)
            continue;
        if (is_named(follow, follow->fd, files.numbers[i]))
            follow->number = files.numbers[i]; /* somebody else has moved it there */
        else
            found = files.numbers[i];
    }
    *ret_current = trace_files_next_number(&files);
    trace_files_finish(&files);
    return found;
}

/* A list of a directory may hold a file that was made while it was read, and not one made just
 * before that; a second list holds all that came before what was seen in the first. */
static uint64_t next_rotated(struct follow *follow, uint64_t *ret_current)
{
    uint64_t found = look_behind(follow, ret_current);
    return found == 0 ? 0 : look_behind(follow, ret_current);
}

/* -1: there is none yet. */
static int open_next(struct follow *follow, uint64_t *ret_number)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        uint64_t current, again;
        *ret_number = next_rotated(follow, &current);
        int fd = trace_files_open(follow->dir, follow->name, *ret_number);
        if (fd < 0 || *ret_number != 0)
            return fd;
        /* The current file may have been rotated just before it was opened, or be it just now: then
         * it is the newest of the rotated ones at the same time. */
        *ret_number = current;
        bool is_alone = next_rotated(follow, &again) == 0 && again == current;
        bool is_old = current > 1 && is_named(follow, fd, current - 1);
        if (is_alone && !is_old)
            return fd;
        (void)close(fd);
        if (is_alone)
            return -1;
    }
    return -1;
}

/* False: nothing more for now. */
static bool go_on(struct follow *follow)
{
    uint64_t number;
    int fd = open_next(follow, &number);
    if (fd < 0)
        return false;
    if (follow->fd >= 0)
        (void)close(follow->fd);
    follow->fd = fd;
    follow->number = number;
    follow->offset = 0;
    follow->is_skipping = false;
    buf_clear(&follow->pending, READ_BYTES); /* half a line: nobody will write the rest */
    return true;
}

/* True: something was read. */
static bool read_more(struct follow *follow)
{
    struct stat st;
    if (fstat(follow->fd, &st) == 0 && (uint64_t)st.st_size < follow->offset) {
        follow->offset = 0;
        buf_clear(&follow->pending, READ_BYTES);
    }
    char *at = buf_reserve(&follow->pending, READ_BYTES);
    ASSERT(at != NULL); /* no cap */
    ssize_t n;
    do {
        n = pread(follow->fd, at, READ_BYTES, (off_t)follow->offset);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    buf_commit(&follow->pending, (size_t)n);
    follow->offset += (uint64_t)n;
    return true;
}

static bool take_line(struct follow *follow, struct slice *ret_line)
{
    struct slice s = buf_slice(&follow->pending);
    while (slice_find(s, '\n') < s.len) {
        *ret_line = slice_cut(&s, '\n');
        bool was_skipping = follow->is_skipping;
        follow->is_skipping = false;
        if (!was_skipping && ret_line->len <= WALK_LINE_MAX) {
            follow->given_bytes = ret_line->len + 1;
            return true;
        }
        buf_consume(&follow->pending, ret_line->len + 1);
        s = buf_slice(&follow->pending);
    }
    if (s.len > WALK_LINE_MAX) {
        follow->is_skipping = true;
        buf_clear(&follow->pending, READ_BYTES);
    }
    return false;
}

bool follow_next(struct follow *follow, struct slice *ret_line)
{
    buf_consume(&follow->pending, follow->given_bytes);
    follow->given_bytes = 0;
    if (follow->fd < 0 && !go_on(follow))
        return false;
    for (;;) {
        if (take_line(follow, ret_line))
            return true;
        if (read_more(follow))
            continue;
        if (is_named(follow, follow->fd, 0))
            return false;
        if (!read_more(follow) && !go_on(follow))
            return false;
    }
}
