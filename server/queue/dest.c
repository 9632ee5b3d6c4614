/* Destinations: see queue_priv.h.
 *
 *   UP --connection failed--> DOWN --its back-off passed--> DUE --a probe is handed out--> PROBING
 *    ^                          ^---------------- probe failed ----------------------------|
 *    |-------------------------------- a connection works ---------------------------------|
 *
 * The window learns how many connections the other side takes: a refusal while others of ours stand
 * makes it smaller (and is not held against the message), deliveries let it grow again by one for
 * each window-full. A destination exists while a ticket or a slot refers to it, or while it is not
 * UP and has work; its figures go with it. Owner thread: the queue's. */
#include "base/mem.h"
#include "queue/queue_priv.h"

static void limits_ask(struct queue *q, struct queue_dest *dest)
{
    q->hooks.limits(q->hooks.ctx, dest->node.key, &dest->limits);
    if (dest->limits.max_connections == 0)
        dest->limits.max_connections = 1;
}

struct queue_dest *queue_dest_get(struct queue *q, struct slice key)
{
    struct hmap_node *node = hmap_find(&q->dests, key);
    if (node != NULL)
        return CONTAINER_OF(node, struct queue_dest, node);
    struct queue_dest *dest = MEM_NEW(struct queue_dest);
    dest->key = mem_strndup(key.p, key.len);
    list_init(&dest->ready);
    list_init(&dest->waiting);
    list_init(&dest->runnable);
    queue_order_init(&dest->tickets_by_mid);
    hmap_add(&q->dests, &dest->node, slice_of(dest->key, key.len));
    limits_ask(q, dest);
    dest->window = dest->limits.max_connections;
    return dest;
}

void queue_dest_release(struct queue *q, struct queue_dest *dest)
{
    if (dest->tickets > 0 || dest->slots > 0)
        return;
    heap_remove(&q->retries, &dest->retry);
    list_remove(&dest->runnable);
    hmap_remove(&q->dests, &dest->node);
    free(dest->last);
    free(dest->key);
    free(dest);
}

static bool may_connect(const struct queue_dest *dest)
{
    if (list_is_empty(&dest->ready))
        return false;
    switch (dest->state) {
    case DEST_STATE_UP:
        return dest->slots < dest->window && dest->slots < dest->limits.max_connections;
    case DEST_STATE_DUE:
        return true;
    case DEST_STATE_DOWN:
    case DEST_STATE_PROBING:
        return false;
    }
    return false;
}

void queue_dest_update(struct queue *q, struct queue_dest *dest)
{
    bool is_listed = !list_is_empty(&dest->runnable);
    bool is_runnable = may_connect(dest);
    if (is_runnable && !is_listed)
        list_append(&q->runnable, &dest->runnable);
    if (!is_runnable && is_listed)
        list_remove(&dest->runnable);
}

/* Those that wait only because nobody could be reached need not wait any longer. */
static void wake_waiting(struct queue *q, struct queue_dest *dest)
{
    LIST_FOREACH(it, next, &dest->waiting)
    {
        struct queue_ticket *ticket = CONTAINER_OF(it, struct queue_ticket, link);
        if (ticket->is_dest_fault)
            queue_ticket_make_ready(q, ticket, false);
    }
}

void queue_dest_up(struct queue *q, struct queue_dest *dest)
{
    if (dest->state == DEST_STATE_UP)
        return;
    heap_remove(&q->retries, &dest->retry);
    dest->state = DEST_STATE_UP;
    dest->epoch++;
    dest->failures = 0;
    dest->window = dest->limits.max_connections;
    wake_waiting(q, dest);
    queue_dest_update(q, dest);
}

void queue_dest_down(struct queue *q, struct queue_dest *dest, uint64_t delay_ms)
{
    /* What is not going out soon does not stay in memory: it is on disk. */
    if (dest->state == DEST_STATE_UP) {
        LIST_FOREACH(it, next, &dest->ready)
        queue_message_drop_memory(CONTAINER_OF(it, struct queue_ticket, link)->message);
    }
    dest->state = DEST_STATE_DOWN;
    dest->epoch++;
    heap_add(&q->retries, &dest->retry, clock_mono_ms(q->clock) + delay_ms);
    queue_dest_update(q, dest);
}

void queue_dest_due(struct queue *q, struct queue_dest *dest)
{
    heap_remove(&q->retries, &dest->retry);
    dest->state = DEST_STATE_DUE;
    queue_dest_update(q, dest);
}

void queue_dest_tls(struct queue_dest *dest, enum queue_tls tls)
{
    dest->tls = tls;
}

void queue_dest_credit(struct queue *q, struct queue_dest *dest)
{
    if (dest->window >= dest->limits.max_connections)
        return;
    dest->window_credit++;
    if (dest->window_credit < dest->window * 10)
        return;
    dest->window_credit = 0;
    dest->window++;
    queue_dest_update(q, dest);
}

static bool is_empty_wait(const struct queue_ticket *ticket)
{
    return ticket->state == TICKET_STATE_READY || ticket->state == TICKET_STATE_WAITING;
}

/* A message none of whose tickets is out, nor bouncing: it can be taken apart and put together. */
static bool can_reroute(const struct queue_message *message)
{
    for (size_t i = 0; i < message->ticket_count; i++) {
        if (!is_empty_wait(&message->tickets[i]) && message->tickets[i].state != TICKET_STATE_IDLE)
            return false;
    }
    return message->bouncing == 0;
}

static bool is_route_same(struct queue *q, const struct queue_message *message)
{
    char key[QUEUE_KEY_MAX];
    for (size_t i = 0; i < message->env->rcpt_count; i++) {
        const struct envelope_rcpt *rcpt = &message->env->rcpts[i];
        if (rcpt->status != ENVELOPE_STATUS_PENDING)
            continue;
        size_t len = q->hooks.route(q->hooks.ctx, envelope_rcpt_address(rcpt), key, sizeof(key));
        const struct queue_dest *dest = message->tickets[rcpt->ticket & ~TICKET_BOUNCING].dest;
        if (!slice_eq(dest->node.key, slice_of(key, len)))
            return false;
    }
    return true;
}

static int compare_mids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void queue_limits_changed(struct queue *q)
{
    for (struct hmap_node *it = hmap_first(&q->dests); it != NULL; it = hmap_after(&q->dests, it)) {
        struct queue_dest *dest = CONTAINER_OF(it, struct queue_dest, node);
        limits_ask(q, dest);
        dest->window = dest->limits.max_connections;
        queue_dest_update(q, dest);
    }
    /* Collected first: adding to a map during a walk is not allowed. */
    uint64_t *moved = mem_array(q->messages.count + 1, sizeof(uint64_t));
    size_t count = 0;
    for (struct hmap_node *it = hmap_first(&q->messages); it != NULL;
         it = hmap_after(&q->messages, it)) {
        struct queue_message *message = CONTAINER_OF(it, struct queue_message, node);
        if (can_reroute(message) && !is_route_same(q, message))
            moved[count++] = message->env->mid;
    }
    /* MIDs rise in order of arrival, and that is the order they leave in. */
    qsort(moved, count, sizeof(uint64_t), compare_mids);
    for (size_t i = 0; i < count; i++) {
        struct queue_message *message = queue_message_find(q, moved[i]);
        struct envelope *env = message->env;
        struct spool_location location = message->location;
        struct body *body = message->body;
        message->env = envelope_create(env->mid, SLICE(""), 0);
        message->env->size_bytes = env->size_bytes;
        message->body = NULL;
        q->rcpts_pending -= message->pending;
        queue_message_destroy(q, message);
        /* A new way: tried at once. */
        for (size_t rid = 0; rid < env->rcpt_count; rid++)
            env->rcpts[rid].next_try_wall_ms = 0;
        queue_add(q, env, &location, body);
    }
    free(moved);
}
