/* What next, and when: see queue_priv.h and queue.h.
 *
 * Destinations that could use a new connection stand in one list and take turns, a job each, so a
 * large backlog for one domain costs the others nothing. Within a destination it is first come,
 * first served. Every ticket that is READY or WAITING has a timer in one heap: its expiry, or its
 * next try (never later than its expiry). Destinations that are down have theirs in another. Timers
 * run on the monotonic clock; what is stored is wall time, turned into a distance from now when it
 * is read. Owner thread: the queue's. */
#include "base/mem.h"
#include "queue/queue_priv.h"

static uint64_t mono_of(const struct queue *q, int64_t wall_ms)
{
    int64_t now = clock_wall_ms(q->clock);
    uint64_t mono = clock_mono_ms(q->clock);
    return wall_ms <= now ? mono : mono + (uint64_t)(wall_ms - now);
}

void queue_ticket_make_idle(struct queue *q, struct queue_ticket *ticket)
{
    struct queue_dest *dest = ticket->dest;
    heap_remove(&q->timers, &ticket->timer);
    list_remove(&ticket->link);
    switch ((enum ticket_state)ticket->state) {
    case TICKET_STATE_READY:
        q->ready--;
        dest->ready_count--;
        break;
    case TICKET_STATE_WAITING:
        q->waiting--;
        dest->waiting_count--;
        break;
    case TICKET_STATE_ACTIVE:
        q->active--;
        dest->active--;
        break;
    case TICKET_STATE_IDLE:
        return;
    }
    ticket->state = TICKET_STATE_IDLE;
    queue_dest_update(q, dest);
}

void queue_ticket_make_ready(struct queue *q, struct queue_ticket *ticket, bool is_first)
{
    struct queue_dest *dest = ticket->dest;
    queue_ticket_make_idle(q, ticket);
    ticket->state = TICKET_STATE_READY;
    queue_order_add_ticket(ticket);
    ticket->is_dest_fault = false;
    if (is_first)
        list_prepend(&dest->ready, &ticket->link);
    else
        list_append(&dest->ready, &ticket->link);
    q->ready++;
    dest->ready_count++;
    heap_add(&q->timers, &ticket->timer, mono_of(q, queue_ticket_expiry_wall(ticket)));
    queue_dest_update(q, dest);
}

void queue_ticket_make_waiting(struct queue *q, struct queue_ticket *ticket, int64_t next_wall_ms)
{
    queue_ticket_make_idle(q, ticket);
    int64_t expiry = queue_ticket_expiry_wall(ticket);
    ticket->state = TICKET_STATE_WAITING;
    queue_order_add_ticket(ticket);
    list_append(&ticket->dest->waiting, &ticket->link);
    q->waiting++;
    ticket->dest->waiting_count++;
    heap_add(&q->timers, &ticket->timer, mono_of(q, next_wall_ms < expiry ? next_wall_ms : expiry));
}

static void hand_out(struct queue *q, struct queue_dest *dest, struct queue_job *ret_job)
{
    struct queue_ticket *ticket = CONTAINER_OF(dest->ready.next, struct queue_ticket, link);
    struct queue_message *message = ticket->message;
    queue_ticket_make_idle(q, ticket);
    ticket->state = TICKET_STATE_ACTIVE;
    q->active++;
    dest->active++;

    uint16_t *rids = mem_array(ticket->pending, sizeof(uint16_t));
    size_t count = 0;
    for (uint16_t i = 0; i < message->env->rcpt_count; i++) {
        const struct envelope_rcpt *rcpt = &message->env->rcpts[i];
        if (rcpt->status == ENVELOPE_STATUS_PENDING && rcpt->ticket == ticket->index)
            rids[count++] = i;
    }
    ASSERT(count == ticket->pending && count > 0);
    *ret_job = (struct queue_job){
        .dest = dest,
        .destination = dest->node.key,
        .sender = envelope_sender(message->env),
        .rids = rids,
        .rid_count = count,
        .env = message->env,
        .mid = message->env->mid,
        .body = queue_message_body(q, message),
        .max_messages = dest->limits.max_messages,
        .ticket = ticket,
        .dest_epoch = dest->epoch,
    };
}

/* Is there a ready ticket that has not expired? Those that have are given up on the way; a slot is
 * held, so DEST outlives them. */
static bool has_fresh(struct queue *q, struct queue_dest *dest)
{
    int64_t now = clock_wall_ms(q->clock);
    while (!list_is_empty(&dest->ready)) {
        struct queue_ticket *ticket = CONTAINER_OF(dest->ready.next, struct queue_ticket, link);
        if (queue_ticket_expiry_wall(ticket) > now)
            return true;
        queue_ticket_expire(q, ticket);
    }
    return false;
}

bool queue_next_job(struct queue *q, struct queue_job *ret_job)
{
    while (!list_is_empty(&q->runnable)) {
        struct queue_dest *dest = CONTAINER_OF(q->runnable.next, struct queue_dest, runnable);
        /* The slot comes first: it keeps the destination alive while tickets expire. */
        dest->slots++;
        if (!has_fresh(q, dest)) {
            queue_slot_close(q, dest);
            continue;
        }
        bool is_probe = dest->state == DEST_STATE_DUE;
        if (is_probe)
            dest->state = DEST_STATE_PROBING;
        hand_out(q, dest, ret_job);
        ret_job->is_probe = is_probe;
        /* Its turn is over: to the end of the line. */
        list_remove(&dest->runnable);
        queue_dest_update(q, dest);
        return true;
    }
    return false;
}

bool queue_has_work_for(const struct queue *q, const struct queue_dest *dest)
{
    (void)q; /* the door to the queue, as everywhere */
    return !list_is_empty(&dest->ready);
}

bool queue_more_for(struct queue *q, struct queue_dest *dest, struct queue_job *ret_job)
{
    ASSERT(dest->slots > 0);
    if (!has_fresh(q, dest))
        return false;
    hand_out(q, dest, ret_job);
    return true;
}

void queue_slot_close(struct queue *q, struct queue_dest *dest)
{
    ASSERT(dest->slots > 0);
    dest->slots--;
    queue_dest_update(q, dest);
    queue_dest_release(q, dest);
}

uint64_t queue_next_deadline(const struct queue *q)
{
    const struct heap_node *timer = heap_peek(&q->timers);
    const struct heap_node *retry = heap_peek(&q->retries);
    uint64_t deadline = timer == NULL ? UINT64_MAX : timer->key;
    if (retry != NULL && retry->key < deadline)
        deadline = retry->key;
    return deadline;
}

void queue_tick(struct queue *q)
{
    uint64_t now = clock_mono_ms(q->clock);
    int64_t wall = clock_wall_ms(q->clock);
    for (;;) {
        struct heap_node *node = heap_peek(&q->retries);
        if (node == NULL || node->key > now)
            break;
        queue_dest_due(q, CONTAINER_OF(node, struct queue_dest, retry));
    }
    for (;;) {
        struct heap_node *node = heap_peek(&q->timers);
        if (node == NULL || node->key > now)
            break;
        struct queue_ticket *ticket = CONTAINER_OF(node, struct queue_ticket, timer);
        if (queue_ticket_expiry_wall(ticket) <= wall)
            queue_ticket_expire(q, ticket);
        else if (ticket->state == TICKET_STATE_WAITING)
            queue_ticket_make_ready(q, ticket, false);
        else /* the wall clock was set back: its expiry moved away */
            heap_add(&q->timers, &ticket->timer, mono_of(q, queue_ticket_expiry_wall(ticket)));
    }
}
