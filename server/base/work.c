/* The bounded pool of worker threads: see work.h.
 *
 * One queue, first in first out, one condition. A job belongs to the pool from work_submit until
 * its `run` is called; from then on to `run` itself, which frees or re-uses it. The pool refuses
 * rather than grows: whoever submits has something better to tell its peer ("try again") than a
 * queue that nobody empties. The mutex guards the list, its count and is_stopping; jobs run outside
 * it. Any thread submits; only the one that created the pool destroys it, when nobody submits any
 * more. */
#include "base/work.h"

#include <pthread.h>
#include <signal.h>

#include "base/err.h"
#include "base/mem.h"

struct work_pool {
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct list jobs;
    size_t queued, max_queued;
    bool is_stopping;
    unsigned thread_count;
    pthread_t threads[];
};

static void lock(struct work_pool *pool)
{
    int r = pthread_mutex_lock(&pool->mutex);
    ASSERT(r == 0);
}

static void unlock(struct work_pool *pool)
{
    int r = pthread_mutex_unlock(&pool->mutex);
    ASSERT(r == 0);
}

/* The next job, or NULL when the pool stops and nothing is left. */
static struct work_job *next_job(struct work_pool *pool)
{
    struct work_job *job = NULL;
    lock(pool);
    while (list_is_empty(&pool->jobs) && !pool->is_stopping) {
        int r = pthread_cond_wait(&pool->has_work, &pool->mutex);
        ASSERT(r == 0);
    }
    struct list *node = list_pop(&pool->jobs);
    if (node != NULL) {
        job = CONTAINER_OF(node, struct work_job, node);
        pool->queued--;
    }
    unlock(pool);
    return job;
}

static void *worker(void *arg)
{
    struct work_pool *pool = arg;
    for (;;) {
        struct work_job *job = next_job(pool);
        if (job == NULL)
            return NULL;
        job->run(job);
    }
}

struct work_pool *work_pool_create(unsigned threads, size_t max_queued)
{
    ASSERT(threads > 0);
    struct work_pool *pool = mem_zalloc(sizeof(*pool) + threads * sizeof(pthread_t));
    int r = pthread_mutex_init(&pool->mutex, NULL);
    ASSERT(r == 0);
    r = pthread_cond_init(&pool->has_work, NULL);
    ASSERT(r == 0);
    list_init(&pool->jobs);
    pool->max_queued = max_queued;
    pool->thread_count = threads;

    /* Signals are the main thread's: a worker in the middle of a read must not take SIGTERM. */
    sigset_t all, old;
    (void)sigfillset(&all); /* cannot fail on a valid pointer */
    r = pthread_sigmask(SIG_SETMASK, &all, &old);
    ASSERT(r == 0);
    for (unsigned i = 0; i < threads; i++) {
        r = pthread_create(&pool->threads[i], NULL, worker, pool);
        /* No thread at start is like no memory: nothing sensible can follow. */
        ASSERT(r == 0);
        (void)pthread_setname_np(pool->threads[i], "worker"); /* for ps and strace only */
    }
    r = pthread_sigmask(SIG_SETMASK, &old, NULL);
    ASSERT(r == 0);
    return pool;
}

void work_pool_destroy(struct work_pool *pool)
{
    if (pool == NULL)
        return;
    lock(pool);
    pool->is_stopping = true;
    int r = pthread_cond_broadcast(&pool->has_work);
    ASSERT(r == 0);
    unlock(pool);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        r = pthread_join(pool->threads[i], NULL);
        ASSERT(r == 0);
    }
    r = pthread_cond_destroy(&pool->has_work);
    ASSERT(r == 0);
    r = pthread_mutex_destroy(&pool->mutex);
    ASSERT(r == 0);
    free(pool);
}

int work_submit(struct work_pool *pool, struct work_job *job)
{
    int result = ERR_NONE;
    lock(pool);
    if (pool->is_stopping) {
        result = ERR_CLOSED;
    } else if (pool->queued >= pool->max_queued) {
        result = ERR_FULL;
    } else {
        list_append(&pool->jobs, &job->node);
        pool->queued++;
        int r = pthread_cond_signal(&pool->has_work);
        ASSERT(r == 0);
    }
    unlock(pool);
    return result;
}
