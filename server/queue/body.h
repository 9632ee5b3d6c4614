/* The body of one message: header section and text, as it will be sent, wherever it lies.
 *
 * A body is immutable and counted, because the deliveries of one message to several destinations
 * read it at the same time on different threads: any thread may ref, unref and read. It is one of
 *   - memory: a heap block, taken over from the session, counted in the global budget;
 *   - spooled: a place in a segment or a file of its own; body_read opens, reads and closes.
 * The budget (LIMIT_BODY_BUDGET) covers every body held in memory, from the first byte of DATA: a
 * session acquires before it keeps bytes, and on refusal goes to a body file or answers 452. */
#ifndef POSTERN_QUEUE_BODY_H
#define POSTERN_QUEUE_BODY_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct body;
struct spool;

/* Where a body lies in a spool. */
struct spool_location {
    uint64_t mid;
    uint64_t segment; /* 0: a file of its own, body/<mid>.eml */
    uint64_t offset;
    uint64_t size_bytes;
};

/* False when the budget is used up: nothing was acquired. */
bool body_memory_acquire(size_t bytes) MUST_CHECK;
void body_memory_release(size_t bytes);
size_t body_memory_used(void);

/* Takes over BUF's block (BUF is empty afterwards) and BUF-length bytes of the budget that the
 * caller has acquired; both are given back with the last unref. */
struct body *body_create_memory(struct buf *buf);
/* Borrows SPOOL, which must outlive it. */
struct body *body_create_spooled(struct spool *spool, const struct spool_location *location);
struct body *body_ref(struct body *body);
void body_unref(struct body *body);
uint64_t body_size(const struct body *body);
/* The whole body when it is in memory, else NULL pointer in the slice: then body_read. */
struct slice body_memory(const struct body *body);
/* Up to LEN bytes from OFFSET into P: how many (0 at the end), or a negative enum err. Blocks
 * unless the body is in memory: worker threads only. ERR_NOT_FOUND: the message is finished and
 * gone. */
ssize_t body_read(const struct body *body, uint64_t offset, void *p, size_t len,
                  struct error *reterr) MUST_CHECK;

#endif
