/* One segment file: making it, and reading it from end to end after a restart. */
#ifndef POSTERN_QUEUE_SEGMENT_H
#define POSTERN_QUEUE_SEGMENT_H

#include "queue/record.h"

struct segment_record {
    struct record record;
    uint64_t offset;      /* of its header, in the file */
    uint64_t body_offset; /* of its body, in the file */
    struct slice head;    /* valid during the callback */
};

struct segment_scan {
    uint64_t salt; /* record_salt() of this segment */
    void *ctx;
    void (*record)(void *ctx, const struct segment_record *record);
    /* [from, to) holds nothing valid but a good record follows. May be NULL. */
    void (*damage)(void *ctx, uint64_t from, uint64_t to);
};

/* `DIR/00000001.seg`; PATH holds SEGMENT_PATH_MAX bytes. */
enum { SEGMENT_PATH_MAX = 4096 };
const char *segment_path(const char *dir, uint64_t number, char path[SEGMENT_PATH_MAX]);
/* True and the number if NAME is a segment's file name. */
bool segment_name_parse(const char *name, uint64_t *ret_number) MUST_CHECK;
/* New file with its first record written (not yet synced); *ret_end is where the next one goes. The
 * directory is not synced. */
int segment_create(const char *dir, uint64_t number, uint64_t spool_salt, int *ret_fd,
                   uint64_t *ret_end, struct error *reterr) MUST_CHECK;
/* Calls scan->record for each valid record in order. *ret_end: behind the last valid one; what the
 * file has after it is a torn tail. Blocks. ERR_IO only when the disk cannot be read. */
int segment_scan(int fd, const struct segment_scan *scan, uint64_t *ret_end,
                 struct error *reterr) MUST_CHECK;

#endif
