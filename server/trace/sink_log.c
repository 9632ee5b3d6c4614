/* mail_logs and mail_json: see sink_log.h.
 *
 * Nothing is fsynced: a log line may be lost in a power cut, a message may not (queue/). The files
 * are opened with O_APPEND, so that a rotation by somebody else which copies and truncates works
 * too.
 *
 * Rotation: link NAME as NAME.N (which fails if there is one), make the new file under another
 * name, rename it to NAME. At every moment NAME is a file, and between the first and the last step
 * NAME and NAME.N are the same one: whoever lists the directory just then can tell by that. */
#include "trace/sink_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "trace/files.h"

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* Size and number of the file that was just opened. */
static int file_look(struct sink_log_file *file, struct error *reterr)
{
    struct trace_files files;
    struct stat st;
    int r = trace_files_list(file->dir, file->name, &files, reterr);
    if (r < 0)
        return r;
    if (trace_files_next_number(&files) > file->next_number)
        file->next_number = trace_files_next_number(&files);
    trace_files_finish(&files);
    file->size_bytes = fstat(file->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    return 0;
}

static void file_rotate_at(struct sink_log_file *file, uint64_t rotate_bytes, uint32_t keep_files)
{
    file->rotate_bytes = rotate_bytes == 0 ? SINK_LOG_ROTATE_BYTES : rotate_bytes;
    file->limit_bytes = file->rotate_bytes;
    file->keep_files = keep_files == 0 ? SINK_LOG_KEEP_FILES : keep_files;
}

static int file_open(struct sink_log_file *file, const struct sink_log_settings *settings,
                     const char *name, struct error *reterr)
{
    file->dir = mem_strdup(settings->dir);
    file->name = mem_strdup(name);
    file->path = trace_files_path(settings->dir, name, 0);
    file_rotate_at(file, settings->rotate_bytes, settings->keep_files);
    buf_init(&file->pending, 0);
    file->fd = open_log(file->path);
    if (file->fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", file->path);
    return file_look(file, reterr);
}

static void file_close(struct sink_log_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd); /* nothing is cached that close could report */
    free(file->dir);
    free(file->name);
    free(file->path);
    buf_finish(&file->pending);
    *file = (struct sink_log_file){.fd = -1};
}

void sink_log_rotate_at(struct sink_log *sink, uint64_t rotate_bytes, uint32_t keep_files)
{
    file_rotate_at(&sink->text, rotate_bytes, keep_files);
    file_rotate_at(&sink->json, rotate_bytes, keep_files);
}

int sink_log_open(struct sink_log *sink, const struct sink_log_settings *settings,
                  struct error *reterr)
{
    *sink = (struct sink_log){.text = {.fd = -1}, .json = {.fd = -1}};
    int r = file_make_dir(settings->dir, 0750, reterr);
    if (r < 0)
        return r;
    r = file_open(&sink->text, settings, settings->text_name, reterr);
    if (r < 0)
        goto fail;
    r = file_open(&sink->json, settings, settings->json_name, reterr);
    if (r < 0)
        goto fail;
    return 0;
fail:
    sink_log_close(sink);
    return r;
}

void sink_log_close(struct sink_log *sink)
{
    file_close(&sink->text);
    file_close(&sink->json);
}

static void file_failed(struct sink_log_file *file, int errnum)
{
    if (!file->is_failing)
        log_error("cannot write %s: %s; its lines are kept up to %d bytes, retrying each second",
                  file->path, strerror(errnum), LIMIT_TRACE_PENDING_BYTES);
    file->is_failing = true;
}

static void file_works(struct sink_log_file *file)
{
    if (file->is_failing)
        log_warning("%s can be written again, %llu lines were lost", file->path,
                    (unsigned long long)file->lost);
    file->is_failing = false;
    file->lost = 0;
}

/* --- rotation --- */

/* Is the file we write the one that the name stands for? Takes its size on the way. */
static bool is_ours_by_name(struct sink_log_file *file)
{
    struct stat open_st, named_st;
    if (fstat(file->fd, &open_st) < 0 || lstat(file->path, &named_st) < 0)
        return false;
    file->size_bytes = (uint64_t)open_st.st_size;
    return S_ISREG(open_st.st_mode) && open_st.st_dev == named_st.st_dev &&
           open_st.st_ino == named_st.st_ino;
}

/* Removes the oldest rotated files. */
static void file_thin_out(const struct sink_log_file *file)
{
    struct trace_files files;
    struct error error;
    if (trace_files_list(file->dir, file->name, &files, &error) < 0) {
        log_error("%s; old log files stay", error.text);
        return;
    }
    for (size_t i = 0; i + file->keep_files < files.count; i++) {
        char *path = trace_files_path(file->dir, file->name, files.numbers[i]);
        if (unlink(path) < 0 && errno != ENOENT)
            log_error("cannot remove %s: %s; the next rotation tries again", path, strerror(errno));
        free(path);
    }
    trace_files_finish(&files);
}

/* The current file gets its number beside its name; NULL with errno when it cannot. */
static char *file_link_rotated(struct sink_log_file *file)
{
    for (;;) {
        char *path = trace_files_path(file->dir, file->name, file->next_number);
        if (link(file->path, path) == 0)
            return path;
        free(path);
        if (errno != EEXIST)
            return NULL;
        file->next_number++;
    }
}

/* 0 or an errno. */
static int file_replace_current(struct sink_log_file *file)
{
    char *fresh = mem_printf("%s/.%s.new", file->dir, file->name);
    (void)unlink(fresh); /* of a process that was killed just here */
    int fd = open_log(fresh);
    int errnum = fd < 0 ? errno : 0;
    if (errnum == 0 && rename(fresh, file->path) < 0) {
        errnum = errno;
        (void)close(fd);
        (void)unlink(fresh);
    }
    free(fresh);
    if (errnum != 0)
        return errnum;
    (void)close(file->fd);
    file->fd = fd;
    file->size_bytes = 0;
    return 0;
}

/* Lines may go on into the old file for a while. */
static void file_put_off(struct sink_log_file *file)
{
    file->limit_bytes = file->size_bytes + file->rotate_bytes / 16 + 1;
}

static void file_rotate(struct sink_log_file *file)
{
    uint64_t before = file->size_bytes;
    if (!is_ours_by_name(file)) {
        file_put_off(file); /* whoever moved it away will say so by a signal */
        return;
    }
    if (file->size_bytes < before)
        return; /* somebody has truncated it */
    char *rotated = file_link_rotated(file);
    int errnum = rotated == NULL ? errno : file_replace_current(file);
    if (errnum != 0) {
        log_error("cannot rotate %s: %s; it grows on, trying again later", file->path,
                  strerror(errnum));
        if (rotated != NULL)
            (void)unlink(rotated);
        file_put_off(file);
    } else {
        file->next_number++;
        file->limit_bytes = file->rotate_bytes;
        file_thin_out(file);
    }
    free(rotated);
}

/* How much of the pending lines S goes into this file: whole lines, as many as fit. 0: it is full.
 */
static size_t file_piece(const struct sink_log_file *file, struct slice s)
{
    /* The torn part is in size_bytes, and in S. */
    uint64_t limit = file->limit_bytes + file->torn_bytes;
    uint64_t room = limit > file->size_bytes ? limit - file->size_bytes : 0;
    size_t first = slice_find(s, '\n') + 1;
    if (s.len <= room)
        return s.len;
    if (room < first) /* a line longer than a whole file gets one of its own */
        return file->torn_bytes > 0 || file->size_bytes == 0 ? first : 0;
    const char *end = memrchr(s.p, '\n', room);
    return (size_t)(end - s.p) + 1;
}

/* LEN more bytes of the pending lines are in the file. */
static void file_written(struct sink_log_file *file, size_t len)
{
    struct slice s = slice_of(buf_slice(&file->pending).p, file->torn_bytes + len);
    const char *end = memrchr(s.p, '\n', s.len);
    size_t whole = end == NULL ? 0 : (size_t)(end - s.p) + 1;
    file->size_bytes += len;
    file->torn_bytes = s.len - whole;
    buf_consume(&file->pending, whole);
}

static bool file_flush(struct sink_log_file *file)
{
    while (buf_len(&file->pending) > 0) {
        struct slice s = buf_slice(&file->pending);
        size_t piece = file_piece(file, s);
        if (piece == 0) {
            file_rotate(file);
            continue;
        }
        ssize_t n = write(file->fd, s.p + file->torn_bytes, piece - file->torn_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            file_failed(file, errno);
            return false;
        }
        file_written(file, (size_t)n);
    }
    buf_clear(&file->pending, 4 * (size_t)SINK_LOG_WRITE_BYTES);
    file_works(file);
    return true;
}

static void file_add(struct sink_log_file *file, const struct trace_record *record,
                     void (*render)(const struct trace_record *, struct buf *))
{
    if (buf_len(&file->pending) > LIMIT_TRACE_PENDING_BYTES) {
        file->lost++;
        return;
    }
    render(record, &file->pending);
    /* A failing file is tried by the clock, not once a line. */
    if (buf_len(&file->pending) >= SINK_LOG_WRITE_BYTES && !file->is_failing)
        (void)file_flush(file); /* what is left stays pending */
}

void sink_log_add(struct sink_log *sink, const struct trace_record *record)
{
    file_add(&sink->text, record, trace_render_text);
    file_add(&sink->json, record, trace_render_json);
}

bool sink_log_flush(struct sink_log *sink)
{
    bool is_text_done = file_flush(&sink->text);
    bool is_json_done = file_flush(&sink->json);
    return is_text_done && is_json_done;
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void file_reopen(struct sink_log_file *file)
{
    (void)file_flush(file);
    int fd = open_log(file->path);
    if (fd < 0) {
        log_error("cannot open %s again: %s; lines go on into the old file", file->path,
                  strerror(errno));
        return;
    }
    if (!is_same_file(fd, file->fd))
        file->torn_bytes = 0; /* the whole line once more: its first half alone is worth nothing */
    (void)close(file->fd);
    file->fd = fd;
    file->limit_bytes = file->rotate_bytes;
    struct error error;
    if (file_look(file, &error) < 0)
        log_error("%s; its size counts from the next rotation on", error.text);
}

void sink_log_reopen(struct sink_log *sink)
{
    file_reopen(&sink->text);
    file_reopen(&sink->json);
}
