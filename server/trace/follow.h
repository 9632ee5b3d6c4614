/* The lines that are added to a log from a place on, each once, through rotations: what `tail -f`
 * shows. Asking never waits; whoever asks finds out by itself when it is worth asking again.
 *
 * When the file has lost its name to another, it is read to its end and the next one is opened: the
 * rotated file with the next higher number, or the current one. One that is truncated is read from
 * its start. One thread; blocks for as long as reading takes. */
#ifndef POSTERN_TRACE_FOLLOW_H
#define POSTERN_TRACE_FOLLOW_H

#include <stdint.h>

#include "base/buf.h"

struct follow {
    const char *dir, *name;
    int fd;          /* -1: none yet */
    uint64_t number; /* of its file, or the one it will have (trace/walk.h) */
    uint64_t offset;
    struct buf pending; /* read, not yet given out */
    size_t given_bytes; /* of it: the line that was given out last */
    bool is_skipping;   /* in a line that is too long */
};

/* From OFFSET, where a line begins, in the file FD with its NUMBER, which it takes over; FD -1:
 * from the start of the first file with a higher number, whenever that comes. DIR and NAME are
 * borrowed.
 */
void follow_open(struct follow *follow, const char *dir, const char *name, int fd, uint64_t number,
                 uint64_t offset);
void follow_close(struct follow *follow);
/* The next line without its line feed, valid until the next call. False: there is none now. */
bool follow_next(struct follow *follow, struct slice *ret_line);

#endif
