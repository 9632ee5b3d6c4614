/* The inside of the committer, shared by committer.c (batches) and reclaim.c (removing segments).
 */
#ifndef POSTERN_QUEUE_COMMITTER_PRIV_H
#define POSTERN_QUEUE_COMMITTER_PRIV_H

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "queue/committer.h"

enum { IOV_MAX_BATCH = 1024 };

struct committer {
    struct committer_opts opts;
    struct committer_io io;
    struct ledger ledger;
    struct mailbox box;
    struct letter stop;
    sem_t wake;
    pthread_t thread;
    struct list pending; /* spool_request.submitted */
    bool is_stopping, has_reserve;
    int fd;
    int dir_fd; /* kept open: a want of descriptors must not look like a failed sync */
    uint64_t segment, end, seq;
    _Atomic bool is_failed, is_full;
    _Atomic uint64_t records, batches, bytes, segments_made, segments_removed, segments, live;
    struct iovec iov[IOV_MAX_BATCH];
};

/* Bytes the record will take. */
uint64_t committer_span(const struct spool_request *request);
/* Appends the records at c->end, unsynced: 0 or -errno. *ret_end is what c->end becomes once they
 * are durable. */
int committer_write(struct committer *c, struct list *batch, uint64_t *ret_end);
/* The log may not be trusted any more: for good. */
void committer_fail(struct committer *c);
/* Removes every segment that holds nothing live. */
void committer_reclaim(struct committer *c);

static inline bool committer_is_space_error(int r)
{
    return r == -ENOSPC || r == -EDQUOT;
}

#endif
