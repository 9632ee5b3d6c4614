/* The one bounded pool of worker threads for what may block: file reads, large bodies, key work.
 *
 * A job runs on some worker; its owner hears of the end by whatever letter the job posts. */
#ifndef POSTERN_BASE_WORK_H
#define POSTERN_BASE_WORK_H

#include "base/list.h"

struct work_pool;

struct work_job {
    struct list node;
    void (*run)(struct work_job *job); /* on a worker; owns the job from here on */
};

struct work_pool *work_pool_create(unsigned threads, size_t max_queued);
/* Finishes every queued job, joins the threads. NULL is allowed. */
void work_pool_destroy(struct work_pool *pool);
/* ERR_FULL when max_queued jobs wait: the job stays the caller's. */
int work_submit(struct work_pool *pool, struct work_job *job) MUST_CHECK;

#endif
