/* mail_logs and mail_json: see sink_log.h.
 *
 * Nothing is fsynced: a log line may be lost in a power cut, a message may not (queue/). The files
 * are opened with O_APPEND, so that a rotation which copies and truncates works too. */
#include "trace/sink_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static int file_open(struct sink_log_file *file, const char *dir, const char *name,
                     struct error *reterr)
{
    file->path = mem_printf("%s/%s", dir, name);
    buf_init(&file->pending, 0);
    file->fd = open_log(file->path);
    if (file->fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", file->path);
    return 0;
}

static void file_close(struct sink_log_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd); /* nothing is cached that close could report */
    free(file->path);
    buf_finish(&file->pending);
    *file = (struct sink_log_file){.fd = -1};
}

int sink_log_open(struct sink_log *sink, const char *dir, const char *text_name,
                  const char *json_name, struct error *reterr)
{
    *sink = (struct sink_log){.text = {.fd = -1}, .json = {.fd = -1}};
    int r = file_make_dir(dir, 0750, reterr);
    if (r < 0)
        return r;
    r = file_open(&sink->text, dir, text_name, reterr);
    if (r < 0)
        goto fail;
    r = file_open(&sink->json, dir, json_name, reterr);
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

static bool file_flush(struct sink_log_file *file)
{
    while (buf_len(&file->pending) > 0) {
        struct slice s = buf_slice(&file->pending);
        ssize_t n = write(file->fd, s.p, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            file_failed(file, errno);
            return false;
        }
        buf_consume(&file->pending, (size_t)n);
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

static void file_reopen(struct sink_log_file *file)
{
    /* Half a line may be in the old file: the rest belongs there. */
    (void)file_flush(file);
    int fd = open_log(file->path);
    if (fd < 0) {
        log_error("cannot open %s again: %s; lines go on into the old file", file->path,
                  strerror(errno));
        return;
    }
    (void)close(file->fd);
    file->fd = fd;
}

void sink_log_reopen(struct sink_log *sink)
{
    file_reopen(&sink->text);
    file_reopen(&sink->json);
}
