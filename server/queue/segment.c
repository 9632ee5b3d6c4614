/* Segment files: see segment.h.
 *
 * A scan reads forward through a window. At each place a record is expected:
 *
 *   valid header (CRC, salt) and payload CRC   callback, go behind it
 *   anything else                              8 bytes on, until a valid record comes
 *
 * If one comes, the gap is damage and is told. If none comes, the gap is the torn tail of a crash,
 * which is normal in the newest segment.
 *
 * Searching is linear: a place is a candidate only with the right magic, header CRC and salt, which
 * nobody outside can write, so payload sums are not computed for made-up headers.
 *
 * No state is kept; any thread that may block. */
#include "queue/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/mem.h"

enum { WINDOW_BYTES = 2 * RECORD_PAYLOAD_MAX };

const char *segment_path(const char *dir, uint64_t number, char path[SEGMENT_PATH_MAX])
{
    int len = snprintf(path, SEGMENT_PATH_MAX, "%s/%08llu.seg", dir, (unsigned long long)number);
    ASSERT(len > 0 && len < SEGMENT_PATH_MAX);
    return path;
}

bool segment_name_parse(const char *name, uint64_t *ret_number)
{
    struct slice s = slice_str(name);
    unsigned long long number;
    if (s.len < 12 || !slice_ends_nocase(s, SLICE(".seg")))
        return false;
    s.len -= 4;
    if (!slice_to_u64(s, UINT32_MAX, &number) || number == 0)
        return false;
    *ret_number = number;
    return true;
}

int segment_create(const char *dir, uint64_t number, uint64_t spool_salt, int *ret_fd,
                   uint64_t *ret_end, struct error *reterr)
{
    char path[SEGMENT_PATH_MAX];
    char bytes[RECORD_HEADER_BYTES + 8] = {0};
    segment_path(dir, number, path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot create %s", path);

    record_u64_put(bytes + RECORD_HEADER_BYTES, RECORD_VERSION);
    const struct record record = {
        .type = RECORD_TYPE_SEGMENT,
        .head_len = 8,
        .payload_crc = crc32c(0, bytes + RECORD_HEADER_BYTES, 8),
        .mid = number,
        .salt = record_salt(spool_salt, number),
    };
    record_header_encode(&record, bytes);
    int r = file_pwrite_all(fd, bytes, sizeof(bytes), 0);
    if (r < 0) {
        (void)close(fd);    /* the file is given up */
        (void)unlink(path); /* an empty segment left behind is harmless */
        return error_set_errno(reterr, -r, "cannot write %s", path);
    }
    *ret_fd = fd;
    *ret_end = sizeof(bytes);
    return 0;
}

/* Part of the file in memory. */
struct window {
    int fd;
    uint64_t file_bytes;
    uint64_t offset; /* of data[0] in the file */
    size_t len;
    char *data;
    int errnum;
};

/* LEN bytes at OFFSET, or NULL when the file ends before (or cannot be read: errnum). */
static const char *window_at(struct window *w, uint64_t offset, size_t len)
{
    if (offset > w->file_bytes || len > w->file_bytes - offset)
        return NULL;
    if (offset >= w->offset && offset + len <= w->offset + w->len)
        return w->data + (offset - w->offset);
    w->offset = offset;
    w->len = 0;
    while (w->len < WINDOW_BYTES) {
        ssize_t n =
            pread(w->fd, w->data + w->len, WINDOW_BYTES - w->len, (off_t)(w->offset + w->len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            w->errnum = errno;
            break;
        }
        if (n == 0)
            break;
        w->len += (size_t)n;
    }
    return w->len >= len ? w->data : NULL;
}

static bool record_at(struct window *w, uint64_t offset, uint64_t salt,
                      struct segment_record *ret_record)
{
    struct segment_record found = {.offset = offset};
    const char *p = window_at(w, offset, RECORD_HEADER_BYTES);
    if (p == NULL || !record_header_decode(p, &found.record) || found.record.salt != salt)
        return false;
    size_t payload = (size_t)record_payload_bytes(&found.record);
    p = window_at(w, offset + RECORD_HEADER_BYTES, payload);
    if (p == NULL || crc32c(0, p, payload) != found.record.payload_crc)
        return false;
    found.head = slice_of(p, found.record.head_len);
    found.body_offset = offset + RECORD_HEADER_BYTES + found.record.head_len;
    *ret_record = found;
    return true;
}

int segment_scan(int fd, const struct segment_scan *scan, uint64_t *ret_end, struct error *reterr)
{
    struct stat st;
    int r = fstat(fd, &st);
    if (r < 0)
        return error_set_errno(reterr, errno, "cannot look at a segment");
    struct window w = {.fd = fd, .file_bytes = (uint64_t)st.st_size};
    w.data = mem_alloc(WINDOW_BYTES);

    uint64_t end = 0;
    uint64_t offset = 0;
    while (offset + RECORD_HEADER_BYTES <= w.file_bytes && w.errnum == 0) {
        struct segment_record record;
        if (!record_at(&w, offset, scan->salt, &record)) {
            offset += 8;
            continue;
        }
        if (offset > end && scan->damage != NULL)
            scan->damage(scan->ctx, end, offset);
        scan->record(scan->ctx, &record);
        end = offset = record.offset + record_span(&record.record);
    }
    free(w.data);
    if (w.errnum != 0)
        return error_set_errno(reterr, w.errnum, "cannot read a segment");
    /* The padding of the last record may be missing: it holds nothing. */
    *ret_end = end < w.file_bytes ? end : w.file_bytes;
    return 0;
}
