/* The lines of a log, newest first, over the current file and the rotated ones.
 *
 * Files are read by blocks from their end. A place is (number of the file, offset): all that stands
 * before it is still to come. The current file has the number that it will have when it is rotated,
 * so a place stays right through rotations. Nothing in a file is trusted: what follows the last
 * line feed, lines longer than WALK_LINE_MAX and what is no regular file are passed over.
 *
 * Each call reads at most one block, so that the caller can keep its own limits.
 * One thread; blocks. */
#ifndef POSTERN_TRACE_WALK_H
#define POSTERN_TRACE_WALK_H

#include "base/slice.h"
#include "trace/files.h"

enum { WALK_BLOCK_BYTES = 262144, WALK_LINE_MAX = 1048576 };

struct walk {
    const char *dir, *name;
    struct trace_files files;
    uint64_t current_number; /* of the current file; 0: there is none */
    int current_fd;
    int fd;          /* of the file that is read: -1: none is open */
    uint64_t number; /* its number */
    uint64_t offset; /* what is before this is still to come */
    /* Bytes [base, base + used) of the file; used ends at offset or behind it. */
    char *block;
    size_t size_bytes, used_bytes;
    uint64_t base;
    uint64_t read_bytes; /* in all */
};

/* DIR and NAME are borrowed. Stands behind the newest line. ERR_IO. */
int walk_open(struct walk *walk, const char *dir, const char *name,
              struct error *reterr) MUST_CHECK;
void walk_close(struct walk *walk);

/* To a place that was left before; if its file is gone to the end of the next older one. */
void walk_seek(struct walk *walk, uint64_t number, uint64_t offset);

enum walk_step {
    WALK_STEP_LINE,  /* *ret_line, without its line feed, valid until the next call */
    WALK_STEP_BLOCK, /* nothing yet, but a block was read: go on */
    WALK_STEP_FILE,  /* stands at the end of the next older file, nothing of it was read yet */
    WALK_STEP_END,   /* nothing older is left */
};

enum walk_step walk_next(struct walk *walk, struct slice *ret_line);
/* In the file that stands open only what is before OFFSET is still to come; no-op behind that. */
void walk_cut(struct walk *walk, uint64_t offset);
/* Is there certainly nothing older than where it stands? */
bool walk_is_at_end(const struct walk *walk);
/* The first line that begins at or after OFFSET in the file that stands open, as far as LEN bytes
 * of it go; reads at most one small block. Its own offset, or UINT64_MAX when none begins near. */
uint64_t walk_peek(struct walk *walk, uint64_t offset, char *p, size_t len);

#endif
