/* Messages in the queue: see queue_priv.h.
 *
 * A message is one block with its tickets behind it: one a destination, in the order in which their
 * first recipients stand in the envelope. A recipient knows its ticket by index, so a ticket needs
 * no list of recipients. The message owns envelope, body reference and tickets; the map owns
 * nothing. Messages, and the tickets of each destination, are also kept in order of MID, for
 * whoever looks at them page by page. Owner thread: the queue's. */
#include "base/limits.h"
#include "base/mem.h"
#include "queue/queue_priv.h"

struct queue_message *queue_message_find(const struct queue *q, uint64_t mid)
{
    struct hmap_node *node = hmap_find_number(&q->messages, mid);
    return node == NULL ? NULL : CONTAINER_OF(node, struct queue_message, node);
}

int64_t queue_ticket_expiry_wall(const struct queue_ticket *ticket)
{
    uint64_t max_ms = ticket->dest->limits.max_time_ms;
    int64_t received = ticket->message->env->received_wall_ms;
    if (max_ms > INT64_MAX / 2 || received > INT64_MAX / 2)
        return INT64_MAX / 2;
    return received + (int64_t)max_ms;
}

/* ---- order of MID ---- */

void queue_order_init(struct queue_order *order)
{
    list_init(&order->head);
    order->finger = &order->head;
}

static uint64_t mid_of_message(const struct list *node)
{
    return CONTAINER_OF(node, struct queue_message, by_mid)->env->mid;
}

static uint64_t mid_of_ticket(const struct list *node)
{
    return CONTAINER_OF(node, struct queue_ticket, of_dest)->message->env->mid;
}

/* From the end if it belongs there, else from what was added last: neither arrival nor moving a
 * whole destination in order of MID walks far. */
static void order_add(struct queue_order *order, struct list *node,
                      uint64_t (*mid_of)(const struct list *node))
{
    uint64_t mid = mid_of(node);
    struct list *head = &order->head, *at = order->finger;
    if (head->prev == head || mid_of(head->prev) < mid)
        at = head->prev;
    while (at != head && mid_of(at) > mid)
        at = at->prev;
    while (at->next != head && mid_of(at->next) < mid)
        at = at->next;
    list_prepend(at, node);
    order->finger = node;
}

void queue_order_add_message(struct queue *q, struct queue_message *message)
{
    order_add(&q->messages_by_mid, &message->by_mid, mid_of_message);
}

void queue_order_add_ticket(struct queue_ticket *ticket)
{
    if (list_is_empty(&ticket->of_dest))
        order_add(&ticket->dest->tickets_by_mid, &ticket->of_dest, mid_of_ticket);
}

void queue_order_remove(struct queue_order *order, struct list *node)
{
    if (order->finger == node)
        order->finger = node->prev;
    list_remove(node);
}

void queue_message_settle(struct queue_message *message)
{
    for (size_t i = 0; i < message->ticket_count; i++) {
        struct queue_ticket *ticket = &message->tickets[i];
        if (ticket->pending == 0)
            queue_order_remove(&ticket->dest->tickets_by_mid, &ticket->of_dest);
    }
}

/* ---- messages ---- */

/* The destination of each pending recipient, in dests[rid]; how many different ones. */
static uint16_t route_all(struct queue *q, struct envelope *env, struct queue_dest **first_of)
{
    char key[QUEUE_KEY_MAX];
    uint16_t count = 0;
    struct hmap seen; /* destination pointer -> ticket index: linear also with 10,000 of each */
    struct seen_dest {
        struct hmap_node node;
        uint16_t ticket;
    } *marks = mem_array(env->rcpt_count, sizeof(*marks));
    hmap_init(&seen);
    for (size_t i = 0; i < env->rcpt_count; i++) {
        struct envelope_rcpt *rcpt = &env->rcpts[i];
        if (rcpt->status != ENVELOPE_STATUS_PENDING)
            continue;
        size_t len = q->hooks.route(q->hooks.ctx, envelope_rcpt_address(rcpt), key, sizeof(key));
        ASSERT(len <= sizeof(key));
        struct queue_dest *dest = queue_dest_get(q, slice_of(key, len));
        struct hmap_node *node = hmap_find_number(&seen, (uint64_t)(uintptr_t)dest);
        if (node == NULL) {
            marks[count] = (struct seen_dest){.ticket = count};
            hmap_add_number(&seen, &marks[count].node, (uint64_t)(uintptr_t)dest);
            node = &marks[count].node;
            first_of[count++] = dest;
        }
        rcpt->ticket = CONTAINER_OF(node, struct seen_dest, node)->ticket;
    }
    hmap_finish(&seen);
    free(marks);
    return count;
}

struct queue_message *queue_message_create(struct queue *q, struct envelope *env,
                                           const struct spool_location *location, struct body *body)
{
    ASSERT(queue_message_find(q, env->mid) == NULL);
    struct queue_dest **dests = mem_array(env->rcpt_count, sizeof(struct queue_dest *));
    uint16_t count = route_all(q, env, dests);
    struct queue_message *message =
        mem_zalloc(sizeof(*message) + count * sizeof(struct queue_ticket));
    message->env = env;
    message->location = *location;
    message->body = body;
    message->ticket_count = count;
    for (uint16_t i = 0; i < count; i++) {
        struct queue_ticket *ticket = &message->tickets[i];
        list_init(&ticket->link);
        list_init(&ticket->of_dest);
        ticket->message = message;
        ticket->dest = dests[i];
        ticket->index = i;
        dests[i]->tickets++;
    }
    for (size_t i = 0; i < env->rcpt_count; i++) {
        const struct envelope_rcpt *rcpt = &env->rcpts[i];
        if (rcpt->status != ENVELOPE_STATUS_PENDING)
            continue;
        struct queue_ticket *ticket = &message->tickets[rcpt->ticket];
        ticket->pending++;
        message->pending++;
        if (rcpt->attempts > ticket->attempts)
            ticket->attempts = rcpt->attempts;
    }
    free(dests);
    hmap_add_number(&q->messages, &message->node, env->mid);
    queue_order_add_message(q, message);
    q->rcpts_pending += message->pending;
    q->bytes += env->size_bytes;
    return message;
}

void queue_message_destroy(struct queue *q, struct queue_message *message)
{
    hmap_remove(&q->messages, &message->node);
    queue_order_remove(&q->messages_by_mid, &message->by_mid);
    q->bytes -= message->env->size_bytes;
    for (size_t i = 0; i < message->ticket_count; i++) {
        struct queue_ticket *ticket = &message->tickets[i];
        queue_ticket_make_idle(q, ticket);
        queue_order_remove(&ticket->dest->tickets_by_mid, &ticket->of_dest);
        ticket->dest->tickets--;
        queue_dest_release(q, ticket->dest);
    }
    body_unref(message->body);
    envelope_destroy(message->env);
    free(message);
}

struct body *queue_message_body(struct queue *q, struct queue_message *message)
{
    if (message->body != NULL)
        return body_ref(message->body);
    return body_create_spooled(q->spool, &message->location);
}

void queue_message_drop_memory(struct queue_message *message)
{
    body_unref(message->body);
    message->body = NULL;
}
