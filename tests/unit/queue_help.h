/* For tests of the queue: a fake clock, destinations that are the domains, actions counted by kind.
 */
#ifndef POSTERN_TESTS_UNIT_QUEUE_HELP_H
#define POSTERN_TESTS_UNIT_QUEUE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "queue/queue.h"
#include "queue/record.h"

enum { HELP_WALL = 1000000000 };

struct help_queue {
    struct clock_fake clock;
    struct queue *q;
    struct queue_limits limits;
    const char *reroute_to; /* not NULL: every recipient goes there */
    /* from the actions drained last */
    size_t delivered, delayed, bounced, double_bounced, notices, records, finished;
    uint64_t last_finished, last_delay_ms;
    enum spool_kind last_kind;
    const char *last_enhanced;
    char last_from[64], last_to[64], last_said[128]; /* of a recipient that was not delivered */
    struct buf last_state;
    struct bounce_notice *notice; /* the last one; the test's */
};

static inline size_t help_route(void *ctx, struct slice address, char *key, size_t key_size)
{
    const struct help_queue *h = ctx;
    struct slice domain = address;
    (void)slice_cut(&domain, '@');
    if (h->reroute_to != NULL)
        domain = slice_str(h->reroute_to);
    ASSERT(domain.len <= key_size);
    memcpy(key, domain.p, domain.len);
    return domain.len;
}

static inline void help_limits(void *ctx, struct slice key, struct queue_limits *ret_limits)
{
    (void)key;
    *ret_limits = ((struct help_queue *)ctx)->limits;
}

static inline void help_queue_init(struct help_queue *h)
{
    *h = (struct help_queue){
        .limits = {.max_connections = 3,
                   .max_messages = 10,
                   .initial_retry_ms = 60000,
                   .max_retry_ms = 3600000,
                   .max_time_ms = 259200000,
                   .max_retries = 100},
    };
    clock_fake_init(&h->clock, HELP_WALL);
    buf_init(&h->last_state, 0);
    const struct queue_hooks hooks = {.ctx = h, .route = help_route, .limits = help_limits};
    h->q = queue_create(&h->clock.clock, &hooks, NULL);
}

static inline void help_queue_finish(struct help_queue *h)
{
    queue_destroy(h->q);
    buf_finish(&h->last_state);
    bounce_notice_destroy(h->notice);
}

static inline void help_note(struct help_queue *h, const struct queue_action *a)
{
    h->last_enhanced = a->enhanced;
    (void)snprintf(h->last_from, sizeof(h->last_from), "%s", a->sender);
    (void)snprintf(h->last_to, sizeof(h->last_to), "%s", a->rcpt);
    (void)snprintf(h->last_said, sizeof(h->last_said), "%s", a->remote_text);
}

static inline void help_drain(struct help_queue *h)
{
    h->delivered = h->delayed = h->bounced = h->double_bounced = 0;
    h->notices = h->records = h->finished = 0;
    for (struct queue_action *a = queue_next_action(h->q); a != NULL; a = queue_next_action(h->q)) {
        switch (a->kind) {
        case QUEUE_ACTION_DELIVERED:
            h->delivered++;
            break;
        case QUEUE_ACTION_DELAYED:
            h->delayed++;
            h->last_delay_ms = a->delay_ms;
            help_note(h, a);
            break;
        case QUEUE_ACTION_BOUNCED:
            h->bounced++;
            h->double_bounced += a->is_double_bounce ? 1 : 0;
            help_note(h, a);
            break;
        case QUEUE_ACTION_NOTICE:
            h->notices++;
            bounce_notice_destroy(h->notice);
            h->notice = a->notice;
            a->notice = NULL;
            break;
        case QUEUE_ACTION_RECORD:
            h->records++;
            h->last_kind = a->record_kind;
            buf_finish(&h->last_state);
            h->last_state = a->bytes;
            buf_init(&a->bytes, 0);
            break;
        case QUEUE_ACTION_FINISHED:
            h->finished++;
            h->last_finished = a->mid;
            break;
        }
        queue_action_destroy(a);
    }
}

/* RCPTS: addresses with blanks between. */
static inline void help_add_from(struct help_queue *h, uint64_t mid, const char *sender,
                                 const char *rcpts, bool has_memory)
{
    struct envelope *env = envelope_create(mid, slice_str(sender), clock_wall_ms(&h->clock.clock));
    struct slice rest = slice_str(rcpts);
    while (rest.len > 0)
        ASSERT(envelope_rcpt_add(env, slice_cut(&rest, ' ')));
    env->size_bytes = 4;
    struct body *body = NULL;
    if (has_memory) {
        struct buf text;
        buf_init(&text, 0);
        ASSERT(buf_append_str(&text, "body"));
        ASSERT(body_memory_acquire(4));
        body = body_create_memory(&text);
    }
    const struct spool_location location = {.mid = mid, .segment = 1, .size_bytes = 4};
    queue_add(h->q, env, &location, body);
}

static inline void help_add(struct help_queue *h, uint64_t mid, const char *rcpts)
{
    help_add_from(h, mid, "s@example.org", rcpts, true);
}

static inline struct outcome_result help_result(enum outcome_stage stage, int code)
{
    return (struct outcome_result){
        .stage = stage, .code = code, .enhanced = SLICE("9.9.9"), .text = SLICE("so it is")};
}

/* The same answer for all recipients of the job. */
static inline void help_done(struct help_queue *h, struct queue_job *job, enum outcome_stage stage,
                             int code)
{
    struct outcome_result *results = mem_array(job->rid_count, sizeof(*results));
    for (size_t i = 0; i < job->rid_count; i++)
        results[i] = help_result(stage, code);
    queue_job_done(h->q, job, results);
    free(results);
    help_drain(h);
}

static inline void help_fail(struct help_queue *h, struct queue_job *job, enum outcome_stage stage,
                             int code)
{
    const struct outcome_result result = help_result(stage, code);
    queue_job_failed(h->q, job, &result);
    help_drain(h);
}

/* Time goes on and what is due is moved. */
static inline void help_advance(struct help_queue *h, uint64_t by_ms)
{
    clock_fake_advance(&h->clock, by_ms);
    queue_tick(h->q);
    help_drain(h);
}

/* The queue of the test that runs. */
static struct help_queue h;

static inline int help_set_up(void **state)
{
    (void)state;
    help_queue_init(&h);
    return 0;
}

static inline int help_tear_down(void **state)
{
    (void)state;
    help_queue_finish(&h);
    assert_int_equal(body_memory_used(), 0);
    return 0;
}

#endif
