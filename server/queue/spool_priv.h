/* What the two kinds of spool share: disk (spool.c) and memory (store_mem.c). */
#ifndef POSTERN_QUEUE_SPOOL_PRIV_H
#define POSTERN_QUEUE_SPOOL_PRIV_H

#include "queue/spool.h"

struct spool_ops {
    void (*close)(struct spool *spool);
    void (*submit)(struct spool *spool, struct spool_request *request);
    void (*stats)(struct spool *spool, struct spool_stats *ret_stats);
    int (*state)(struct spool *spool);
    int (*check_space)(struct spool *spool, uint64_t size_bytes);
    int (*body_open)(struct spool_body_writer *writer, struct error *reterr);
    int (*body_write)(struct spool_body_writer *writer, struct slice bytes, struct error *reterr);
    int (*body_finish)(struct spool_body_writer *writer, struct error *reterr);
    void (*body_close)(
        struct spool_body_writer *writer); /* what open made, not the writer itself */
    void (*body_discard)(struct spool *spool, uint64_t mid);
    ssize_t (*read)(struct spool *spool, const struct spool_location *location, uint64_t offset,
                    void *p, size_t len, struct error *reterr);
};

struct spool {
    const struct spool_ops *ops;
};

struct spool_body_writer {
    struct spool *spool;
    uint64_t mid, size_bytes;
    int fd;          /* disk */
    struct buf text; /* memory */
};

#endif
