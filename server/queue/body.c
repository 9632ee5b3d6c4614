/* Message bodies: see body.h.
 *
 * Immutable after creation, so the only shared state is the reference count and the budget, both
 * atomic. A spooled body keeps no descriptor: opening a file costs microseconds against a network
 * delivery, and a queue of a million deferred messages keeps none. */
#include "queue/body.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "base/mem.h"
#include "queue/spool.h"

struct body {
    atomic_uint refs;
    char *data; /* NULL: spooled */
    uint64_t size_bytes;
    struct spool *spool;
    struct spool_location location;
};

static atomic_size_t memory_used;

bool body_memory_acquire(size_t bytes)
{
    size_t used = atomic_load_explicit(&memory_used, memory_order_relaxed);
    do {
        if (bytes > LIMIT_BODY_BUDGET || used > LIMIT_BODY_BUDGET - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&memory_used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void body_memory_release(size_t bytes)
{
    size_t before = atomic_fetch_sub_explicit(&memory_used, bytes, memory_order_relaxed);
    ASSERT(before >= bytes);
}

size_t body_memory_used(void)
{
    return atomic_load_explicit(&memory_used, memory_order_relaxed);
}

struct body *body_create_memory(struct buf *buf)
{
    struct body *body = MEM_NEW(struct body);
    atomic_init(&body->refs, 1);
    struct slice bytes = buf_slice(buf);
    body->size_bytes = bytes.len;
    /* An exact copy: the buffer grew by doubling, and this may wait in the queue for a while. */
    body->data = mem_alloc(bytes.len == 0 ? 1 : bytes.len);
    memcpy(body->data, bytes.p, bytes.len);
    size_t cap_bytes = buf->cap_bytes;
    buf_finish(buf);
    buf_init(buf, cap_bytes);
    return body;
}

struct body *body_create_spooled(struct spool *spool, const struct spool_location *location)
{
    struct body *body = MEM_NEW(struct body);
    atomic_init(&body->refs, 1);
    body->spool = spool;
    body->location = *location;
    body->size_bytes = location->size_bytes;
    return body;
}

struct body *body_ref(struct body *body)
{
    (void)atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed); /* old count: unused */
    return body;
}

void body_unref(struct body *body)
{
    if (body == NULL || atomic_fetch_sub_explicit(&body->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (body->data != NULL) {
        body_memory_release((size_t)body->size_bytes);
        free(body->data);
    }
    free(body);
}

uint64_t body_size(const struct body *body)
{
    return body->size_bytes;
}

struct slice body_memory(const struct body *body)
{
    return slice_of(body->data, body->data == NULL ? 0 : (size_t)body->size_bytes);
}

ssize_t body_read(const struct body *body, uint64_t offset, void *p, size_t len,
                  struct error *reterr)
{
    if (offset >= body->size_bytes)
        return 0;
    if (len > body->size_bytes - offset)
        len = (size_t)(body->size_bytes - offset);
    if (body->data == NULL)
        return spool_read(body->spool, &body->location, offset, p, len, reterr);
    memcpy(p, body->data + offset, len);
    return (ssize_t)len;
}
