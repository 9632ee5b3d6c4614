/* For tests of the spool: a directory that goes away, requests that are waited for, messages. */
#ifndef POSTERN_TESTS_UNIT_SPOOL_HELP_H
#define POSTERN_TESTS_UNIT_SPOOL_HELP_H

#include <semaphore.h>
#include <unistd.h>

#include "base/mem.h"
#include "dir_help.h"
#include "queue/record.h"
#include "queue/spool.h"

static inline char *help_spool_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = mem_printf("%s/postern-spool-XXXXXX", base == NULL ? "/tmp" : base);
    ASSERT(mkdtemp(dir) != NULL);
    return dir;
}

static inline void help_spool_dir_remove(char *dir)
{
    ASSERT(help_dir_remove(dir) == 0);
    free(dir);
}

/* Requests of one test and the box they come back to. */
struct help_box {
    struct mailbox box;
    sem_t wake;
    size_t back;
};

struct help_request {
    struct spool_request request;
    struct help_box *box;
    struct buf head;
    bool is_back;
};

static inline void help_wake(void *owner)
{
    (void)sem_post(&((struct help_box *)owner)->wake);
}

static inline void help_box_init(struct help_box *box)
{
    mailbox_init(&box->box, help_wake, box);
    ASSERT(sem_init(&box->wake, 0, 0) == 0);
    box->back = 0;
}

static inline void help_box_finish(struct help_box *box)
{
    mailbox_finish(&box->box);
    (void)sem_destroy(&box->wake);
}

static inline void help_back(struct letter *letter)
{
    struct help_request *r = CONTAINER_OF(letter, struct help_request, request.letter);
    r->is_back = true;
    r->box->back++;
}

static inline void help_wait(struct help_box *box, size_t count)
{
    while (box->back < count) {
        (void)sem_wait(&box->wake);
        (void)mailbox_drain(&box->box);
    }
    box->back -= count;
}

static inline void help_init(struct help_request *r, struct help_box *box, enum spool_kind kind,
                             uint64_t mid)
{
    *r = (struct help_request){.box = box};
    r->request.kind = kind;
    r->request.mid = mid;
    r->request.box = &box->box;
    r->request.letter.run = help_back;
    list_init(&r->request.letter.node);
    buf_init(&r->head, 0);
}

/* A message from s@example.org to RCPTS recipients a0@example.test, a1... */
static inline struct envelope *help_envelope(uint64_t mid, size_t rcpts, size_t body_len)
{
    struct envelope *env = envelope_create(mid, SLICE("s@example.org"), 1795520135000);
    env->size_bytes = (uint32_t)body_len;
    for (size_t i = 0; i < rcpts; i++) {
        SCOPED(mem_free_at) char *address = mem_printf("a%zu@example.test", i);
        ASSERT(envelope_rcpt_add(env, slice_str(address)));
    }
    return env;
}

static inline void help_message(struct help_request *r, struct help_box *box, uint64_t mid,
                                struct slice body)
{
    help_init(r, box, SPOOL_KIND_MESSAGE, mid);
    struct envelope *env = help_envelope(mid, 2, body.len);
    ASSERT(envelope_encode(env, &r->head));
    envelope_destroy(env);
    r->request.head = buf_slice(&r->head);
    r->request.body = body;
}

/* First recipient delivered, second to be tried again. */
static inline void help_state(struct help_request *r, struct help_box *box, uint64_t mid,
                              uint16_t attempts)
{
    help_init(r, box, SPOOL_KIND_STATE, mid);
    struct envelope *env = help_envelope(mid, 2, 0);
    env->rcpts[0].status = ENVELOPE_STATUS_DELIVERED;
    env->rcpts[1].attempts = attempts;
    env->rcpts[1].next_try_wall_ms = 1795520135000 + attempts;
    ASSERT(record_state_encode(env, &r->head));
    envelope_destroy(env);
    r->request.head = buf_slice(&r->head);
}

/* Submits one and waits; returns the result. */
static inline int help_do(struct spool *spool, struct help_request *r)
{
    spool_submit(spool, &r->request);
    help_wait(r->box, 1);
    ASSERT(r->is_back);
    buf_finish(&r->head);
    return r->request.result;
}

static inline int help_do_message(struct spool *spool, struct help_box *box, uint64_t mid,
                                  struct slice body)
{
    struct help_request r;
    help_message(&r, box, mid, body);
    return help_do(spool, &r);
}

static inline int help_do_state(struct spool *spool, struct help_box *box, uint64_t mid,
                                uint16_t attempts)
{
    struct help_request r;
    help_state(&r, box, mid, attempts);
    return help_do(spool, &r);
}

static inline int help_do_done(struct spool *spool, struct help_box *box, uint64_t mid)
{
    struct help_request r;
    help_init(&r, box, SPOOL_KIND_DONE, mid);
    return help_do(spool, &r);
}

/* What a replay gave. */
struct help_live {
    struct envelope *envs[256];
    struct spool_location locations[256];
    size_t count, damages;
    char damage[256];
};

static inline void help_on_live(void *ctx, struct envelope *env,
                                const struct spool_location *location)
{
    struct help_live *live = ctx;
    ASSERT(live->count < ARRAY_LEN(live->envs));
    live->envs[live->count] = env;
    live->locations[live->count++] = *location;
}

static inline void help_on_damage(void *ctx, const char *text)
{
    struct help_live *live = ctx;
    (void)snprintf(live->damage, sizeof(live->damage), "%s", text);
    live->damages++;
}

static inline void help_live_finish(struct help_live *live)
{
    for (size_t i = 0; i < live->count; i++)
        envelope_destroy(live->envs[i]);
    *live = (struct help_live){0};
}

static inline struct envelope *help_live_find(const struct help_live *live, uint64_t mid)
{
    for (size_t i = 0; i < live->count; i++) {
        if (live->envs[i]->mid == mid)
            return live->envs[i];
    }
    return NULL;
}

static inline struct spool *help_open(const char *dir, uint64_t segment_bytes,
                                      struct help_live *live)
{
    struct spool *spool = NULL;
    struct error err = {0};
    *live = (struct help_live){0};
    const struct spool_opts opts = {
        .segment_bytes = segment_bytes,
        .reserve_bytes = 65536,
        .salt = 0x0123456789abcdef,
        .ctx = live,
        .replay = help_on_live,
        .damaged = help_on_damage,
    };
    int r = spool_open(dir, &opts, &spool, &err);
    if (r < 0)
        (void)fprintf(stderr, "spool_open: %s\n", err.text);
    ASSERT(r == 0);
    return spool;
}

#endif
