/* The one thread that writes a spool: requests in from any thread, letters back. Only spool.c and
 * its tests include this. */
#ifndef POSTERN_QUEUE_COMMITTER_H
#define POSTERN_QUEUE_COMMITTER_H

#include <sys/uio.h>

#include "queue/ledger.h"
#include "queue/spool.h"

struct committer;

/* What a test replaces to play a failing disk. NULL members: the system's. */
struct committer_io {
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
    int (*fdatasync)(int fd);
    int (*allocate)(int fd, off_t offset, off_t len); /* posix_fallocate: 0 or an errno */
};

struct committer_opts {
    const char *dir, *body_dir; /* borrowed until committer_stop */
    uint64_t salt, segment_bytes, reserve_bytes;
    uint64_t first_segment; /* number of the segment to make */
    uint64_t first_seq;
    struct ledger *ledger; /* taken over: emptied here, finished with the committer */
    struct committer_io io;
};

int committer_start(const struct committer_opts *opts, struct committer **ret_committer,
                    struct error *reterr) MUST_CHECK;
/* Writes what waits, joins the thread. NULL is allowed. */
void committer_stop(struct committer *c);
void committer_submit(struct committer *c, struct spool_request *request);
void committer_stats(struct committer *c, struct spool_stats *ret_stats);
int committer_state(struct committer *c);

#endif
