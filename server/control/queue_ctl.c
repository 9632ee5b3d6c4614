/* See queue_ctl.h. Each door is a struct with what goes in and what comes out, handed to a function
 * on the queue's loop: activate_call waits for it, so the struct lives on main's stack. */
#include "control/queue_ctl.h"

#include <semaphore.h>

#include "engine/activate.h"
#include "engine/delivery.h"
#include "queue/queue.h"
#include "trace/trace.h"

struct queue_ctl {
    struct engine *engine;
    struct delivery *delivery;
};

struct queue_ctl *queue_ctl_create(struct engine *engine, struct delivery *delivery)
{
    struct queue_ctl *ctl = MEM_NEW(struct queue_ctl);

    ctl->engine = engine;
    ctl->delivery = delivery;
    return ctl;
}

void queue_ctl_destroy(struct queue_ctl *ctl)
{
    free(ctl);
}

/* What a door takes to the other thread and brings back; each uses what it needs. */
struct errand {
    struct queue_ctl *ctl;
    struct queue *queue;
    void (*run)(struct errand *errand);
    const void *query;
    struct slice destination;
    uint64_t mid;
    struct mem_arena *arena;
    void *ret;
    int status;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;

    errand->queue = delivery_queue(errand->ctl->delivery);
    errand->run(errand);
}

static int go(struct queue_ctl *ctl, struct errand *errand)
{
    errand->ctl = ctl;
    if (atomic_load(&ctl->engine->is_ending) ||
        !activate_call(ctl->engine->loops[0], run_errand, errand))
        return ERR_CLOSED;
    return errand->status;
}

/* Destinations are kept in lower case. */
static struct slice lower(struct mem_arena *arena, struct slice s)
{
    char *text = mem_arena_strndup(arena, s.len == 0 ? "" : s.p, s.len);

    for (size_t i = 0; i < s.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
    return slice_of(text, s.len);
}

/* --- looking --- */

static void do_summary(struct errand *errand)
{
    queue_summary_get(errand->queue, errand->ret);
}

int queue_ctl_summary(struct queue_ctl *ctl, struct queue_summary *ret_summary)
{
    return go(ctl, &(struct errand){.run = do_summary, .ret = ret_summary});
}

static void do_destinations(struct errand *errand)
{
    if (!queue_view_dests(errand->queue, errand->query, errand->arena, errand->ret))
        errand->status = ERR_INVALID;
}

int queue_ctl_destinations(struct queue_ctl *ctl, const struct queue_view_dests_query *query,
                           struct mem_arena *arena, struct queue_view_dests *ret_dests)
{
    return go(ctl, &(struct errand){
                       .run = do_destinations, .query = query, .arena = arena, .ret = ret_dests});
}

static void do_destination(struct errand *errand)
{
    if (!queue_view_dest(errand->queue, errand->destination, errand->arena, errand->ret))
        errand->status = ERR_NOT_FOUND;
}

int queue_ctl_destination(struct queue_ctl *ctl, struct slice destination, struct mem_arena *arena,
                          struct queue_view_dest *ret_dest)
{
    return go(ctl, &(struct errand){.run = do_destination,
                                    .destination = lower(arena, destination),
                                    .arena = arena,
                                    .ret = ret_dest});
}

static void do_messages(struct errand *errand)
{
    queue_view_messages(errand->queue, errand->query, errand->arena, errand->ret);
}

int queue_ctl_messages(struct queue_ctl *ctl, const struct queue_view_messages_query *query,
                       struct mem_arena *arena, struct queue_view_messages *ret_messages)
{
    struct queue_view_messages_query own = *query;

    own.destination = lower(arena, query->destination);
    return go(ctl, &(struct errand){
                       .run = do_messages, .query = &own, .arena = arena, .ret = ret_messages});
}

static void do_message(struct errand *errand)
{
    if (!queue_view_message(errand->queue, errand->mid, errand->arena, errand->ret))
        errand->status = ERR_NOT_FOUND;
}

int queue_ctl_message(struct queue_ctl *ctl, uint64_t mid, struct mem_arena *arena,
                      struct queue_view_message *ret_message)
{
    return go(ctl,
              &(struct errand){.run = do_message, .mid = mid, .arena = arena, .ret = ret_message});
}

/* --- retry --- */

static void do_message_retry(struct errand *errand)
{
    if (!queue_message_retry_now(errand->queue, errand->mid))
        errand->status = ERR_NOT_FOUND;
    delivery_settle(errand->ctl->delivery, NULL);
}

int queue_ctl_message_retry(struct queue_ctl *ctl, uint64_t mid)
{
    return go(ctl, &(struct errand){.run = do_message_retry, .mid = mid});
}

static void do_destination_retry(struct errand *errand)
{
    if (!queue_dest_retry_now(errand->queue, errand->destination))
        errand->status = ERR_NOT_FOUND;
    delivery_settle(errand->ctl->delivery, NULL);
}

int queue_ctl_destination_retry(struct queue_ctl *ctl, struct slice destination)
{
    struct mem_arena arena;

    mem_arena_init(&arena);
    int r = go(ctl, &(struct errand){.run = do_destination_retry,
                                     .destination = lower(&arena, destination)});
    mem_arena_finish(&arena);
    return r;
}

/* --- delete --- */

struct deletion {
    struct delivery_wait wait;
    struct slice user;
    enum queue_deletion outcome;
    int result; /* the record's */
    sem_t is_durable;
};

static void deletion_durable(struct delivery_wait *wait, int result)
{
    struct deletion *deletion = CONTAINER_OF(wait, struct deletion, wait);

    deletion->result = result;
    (void)sem_post(&deletion->is_durable); /* cannot overflow */
}

/* The recipients that the deletion concerns, before it is done. */
static size_t pending_rids(const struct queue_view_message *m, uint16_t *rids)
{
    size_t count = 0;

    for (size_t i = 0; i < m->rcpt_count; i++)
        if (m->rcpts[i].state <= QUEUE_RCPT_STATE_WAITING)
            rids[count++] = m->rcpts[i].rid;
    return count;
}

static void do_delete(struct errand *errand)
{
    struct engine *engine = errand->ctl->engine;
    struct deletion *deletion = errand->ret;
    struct queue_view_message m;

    if (!queue_view_message(errand->queue, errand->mid, errand->arena, &m)) {
        deletion->outcome = QUEUE_DELETION_NOT_FOUND;
        return;
    }
    uint16_t *rids = mem_arena_alloc(errand->arena, m.rcpt_count * sizeof *rids);
    const struct trace_rids list = {.items = rids, .count = pending_rids(&m, rids)};
    deletion->outcome = queue_message_delete(errand->queue, errand->mid);
    if (deletion->outcome == QUEUE_DELETION_BOUNCING)
        return;
    TRACE_EMIT(engine->trace, clock_wall_ms(engine->clock), mid_deleted, .mid = errand->mid,
               .rids = list, .user = deletion->user);
    delivery_settle(errand->ctl->delivery, &deletion->wait);
}

static int delete_and_wait(struct queue_ctl *ctl, uint64_t mid, struct deletion *deletion)
{
    struct mem_arena arena;

    mem_arena_init(&arena);
    int r =
        go(ctl, &(struct errand){.run = do_delete, .mid = mid, .arena = &arena, .ret = deletion});
    mem_arena_finish(&arena);
    if (r < 0)
        return r;
    if (deletion->outcome == QUEUE_DELETION_NOT_FOUND)
        return ERR_NOT_FOUND;
    if (deletion->outcome == QUEUE_DELETION_BOUNCING)
        return ERR_BUSY;
    while (sem_wait(&deletion->is_durable) != 0)
        continue; /* a signal */
    return deletion->result;
}

int queue_ctl_message_delete(struct queue_ctl *ctl, uint64_t mid, struct slice user,
                             enum queue_ctl_deleted *ret_deleted)
{
    struct deletion deletion = {.wait.done = deletion_durable, .user = user, .result = ERR_CLOSED};

    (void)sem_init(&deletion.is_durable, 0, 0);
    int r = delete_and_wait(ctl, mid, &deletion);
    (void)sem_destroy(&deletion.is_durable);
    if (r == 0)
        *ret_deleted = deletion.outcome == QUEUE_DELETION_LATER ? QUEUE_CTL_DELETED_LATER
                                                                : QUEUE_CTL_DELETED_NOW;
    return r;
}
