/* Pictures of the queue: see view.h.
 *
 * A cursor of messages is a MID. Its message may have left since: then the next MIDs are tried, for
 * they are dense, before the list is walked. A cursor of destinations is the place of the last one
 * in the order that was asked for: its rank and its name, so that it stays right when others come
 * and go. Owner thread: the queue's. */
#include "queue/view.h"

#include "base/mem.h"
#include "queue/queue_priv.h"

enum { NEXT_MIDS = 4096 };

const char *queue_rcpt_state_word(enum queue_rcpt_state state)
{
    switch (state) {
    case QUEUE_RCPT_STATE_READY:
        return "ready";
    case QUEUE_RCPT_STATE_ACTIVE:
        return "active";
    case QUEUE_RCPT_STATE_WAITING:
        return "waiting";
    case QUEUE_RCPT_STATE_BOUNCING:
        return "bouncing";
    case QUEUE_RCPT_STATE_DELIVERED:
        return "delivered";
    case QUEUE_RCPT_STATE_BOUNCED:
        return "bounced";
    case QUEUE_RCPT_STATE_DELETED:
        return "deleted";
    }
    return "";
}

const char *queue_dest_state_word(enum queue_dest_state state)
{
    switch (state) {
    case QUEUE_DEST_STATE_UP:
        return "up";
    case QUEUE_DEST_STATE_DOWN:
        return "down";
    case QUEUE_DEST_STATE_PROBING:
        return "probing";
    }
    return "";
}

const char *queue_tls_word(enum queue_tls tls)
{
    switch (tls) {
    case QUEUE_TLS_UNKNOWN:
        return "unknown";
    case QUEUE_TLS_SUCCESS:
        return "success";
    case QUEUE_TLS_FAILED:
        return "failed";
    case QUEUE_TLS_NONE:
        return "none";
    }
    return "";
}

/* ---- what all pictures share ---- */

static struct slice copy(struct mem_arena *arena, struct slice s)
{
    return slice_of(mem_arena_strndup(arena, s.len == 0 ? "" : s.p, s.len), s.len);
}

static struct queue_view_reply copy_reply(struct mem_arena *arena,
                                          const struct envelope_reply *reply)
{
    if (reply == NULL)
        return (struct queue_view_reply){.enhanced = SLICE(""), .text = SLICE("")};
    return (struct queue_view_reply){
        .code = reply->code,
        .enhanced = copy(arena, slice_of(reply->bytes, reply->enhanced_len)),
        .text = copy(arena, slice_of(reply->bytes + reply->enhanced_len, reply->text_len)),
        .at_wall_ms = reply->at_wall_ms,
    };
}

static int64_t wall_of(const struct queue *q, uint64_t mono_ms)
{
    uint64_t now = clock_mono_ms(q->clock);
    int64_t wall = clock_wall_ms(q->clock);
    return mono_ms <= now ? wall : wall + (int64_t)(mono_ms - now);
}

static uint64_t age_of(const struct queue *q, int64_t since_wall_ms)
{
    int64_t now = clock_wall_ms(q->clock);
    return now > since_wall_ms ? (uint64_t)(now - since_wall_ms) : 0;
}

/* When the ticket may go: 0 at once. */
static int64_t ticket_next_try(const struct queue *q, const struct queue_ticket *ticket)
{
    if (ticket->state == TICKET_STATE_WAITING)
        return wall_of(q, ticket->timer.key);
    if (ticket->state == TICKET_STATE_READY && ticket->dest->state == DEST_STATE_DOWN)
        return wall_of(q, ticket->dest->retry.key);
    return 0;
}

/* ---- messages ---- */

static enum queue_rcpt_state rcpt_state(const struct queue_message *message,
                                        const struct envelope_rcpt *rcpt)
{
    if (rcpt->status == ENVELOPE_STATUS_DELIVERED)
        return QUEUE_RCPT_STATE_DELIVERED;
    if (rcpt->status == ENVELOPE_STATUS_BOUNCED)
        return QUEUE_RCPT_STATE_BOUNCED;
    if (rcpt->status == ENVELOPE_STATUS_DELETED)
        return QUEUE_RCPT_STATE_DELETED;
    if ((rcpt->ticket & TICKET_BOUNCING) != 0)
        return QUEUE_RCPT_STATE_BOUNCING;
    switch ((enum ticket_state)message->tickets[rcpt->ticket].state) {
    case TICKET_STATE_ACTIVE:
        return QUEUE_RCPT_STATE_ACTIVE;
    case TICKET_STATE_WAITING:
        return QUEUE_RCPT_STATE_WAITING;
    case TICKET_STATE_READY:
    case TICKET_STATE_IDLE:
        break;
    }
    return QUEUE_RCPT_STATE_READY;
}

static bool is_pending_of(const struct envelope_rcpt *rcpt, const struct queue_ticket *ticket)
{
    return rcpt->status == ENVELOPE_STATUS_PENDING && rcpt->ticket == ticket->index;
}

/* Everything but the recipients. OF: the ticket that was asked for; NULL: the first pending one. */
static void picture_message(const struct queue *q, const struct queue_message *message,
                            const struct queue_ticket *of, struct mem_arena *arena,
                            struct queue_view_message *ret)
{
    const struct envelope *env = message->env;
    *ret = (struct queue_view_message){
        .mid = env->mid,
        .icid = env->icid,
        .bounce_of = env->bounce_of,
        .sender = copy(arena, envelope_sender(env)),
        .client_ip = env->client_ip,
        .size_bytes = env->size_bytes,
        .received_wall_ms = env->received_wall_ms,
        .age_ms = age_of(q, env->received_wall_ms),
        .rcpt_count = env->rcpt_count,
        .pending_count = message->pending,
        .destination = SLICE(""),
        .last = copy_reply(arena, NULL),
    };
    bool is_first = true;
    for (size_t i = 0; i < message->ticket_count; i++) {
        const struct queue_ticket *ticket = &message->tickets[i];
        if (ticket->pending == 0)
            continue;
        if (of == NULL)
            of = ticket;
        int64_t next = ticket_next_try(q, ticket);
        if (is_first || next < ret->next_try_wall_ms)
            ret->next_try_wall_ms = next;
        is_first = false;
        ret->destination_count++;
        ret->is_active |= ticket->state == TICKET_STATE_ACTIVE;
        ret->tries = ticket->attempts > ret->tries ? ticket->attempts : ret->tries;
    }
    if (of == NULL)
        return; /* all that is left is a report under way */
    ret->destination = copy(arena, of->dest->node.key);
    for (size_t rid = 0; rid < env->rcpt_count; rid++) {
        if (!is_pending_of(&env->rcpts[rid], of))
            continue;
        ret->last = copy_reply(arena, env->rcpts[rid].last);
        break;
    }
}

static void picture_rcpt(const struct queue *q, const struct queue_message *message, uint16_t rid,
                         struct mem_arena *arena, struct queue_view_rcpt *ret)
{
    const struct envelope_rcpt *rcpt = &message->env->rcpts[rid];
    *ret = (struct queue_view_rcpt){
        .rid = rid,
        .state = rcpt_state(message, rcpt),
        .tries = rcpt->attempts,
        .address = copy(arena, envelope_rcpt_address(rcpt)),
        .destination = SLICE(""),
        .last = copy_reply(arena, rcpt->last),
    };
    if (rcpt->status != ENVELOPE_STATUS_PENDING)
        return;
    const struct queue_ticket *ticket = &message->tickets[rcpt->ticket & ~TICKET_BOUNCING];
    ret->destination = copy(arena, ticket->dest->node.key);
    if (ret->state != QUEUE_RCPT_STATE_BOUNCING)
        ret->next_try_wall_ms = ticket_next_try(q, ticket);
}

bool queue_view_message(const struct queue *q, uint64_t mid, struct mem_arena *arena,
                        struct queue_view_message *ret_message)
{
    const struct queue_message *message = queue_message_find(q, mid);
    if (message == NULL)
        return false;
    picture_message(q, message, NULL, arena, ret_message);
    ret_message->rcpts =
        mem_arena_alloc(arena, message->env->rcpt_count * sizeof(*ret_message->rcpts));
    for (uint16_t rid = 0; rid < message->env->rcpt_count; rid++)
        picture_rcpt(q, message, rid, arena, &ret_message->rcpts[rid]);
    return true;
}

/* ---- a page of messages ---- */

/* The list that is walked: all messages, or the tickets of one destination. */
struct walk {
    const struct queue *q;
    const struct queue_dest *dest; /* NULL: all */
    const struct list *head;
};

static const struct queue_ticket *walk_ticket(const struct walk *w, const struct list *node)
{
    return w->dest == NULL ? NULL : CONTAINER_OF(node, struct queue_ticket, of_dest);
}

static const struct queue_message *walk_message(const struct walk *w, const struct list *node)
{
    if (w->dest == NULL)
        return CONTAINER_OF(node, struct queue_message, by_mid);
    return walk_ticket(w, node)->message;
}

/* The node of MID in the walk's list, or NULL. */
static const struct list *walk_find(const struct walk *w, uint64_t mid)
{
    const struct queue_message *message = queue_message_find(w->q, mid);
    if (message == NULL || w->dest == NULL)
        return message == NULL ? NULL : &message->by_mid;
    for (size_t i = 0; i < message->ticket_count; i++) {
        const struct queue_ticket *ticket = &message->tickets[i];
        if (ticket->dest == w->dest && !list_is_empty(&ticket->of_dest))
            return &ticket->of_dest;
    }
    return NULL;
}

/* The first node behind MID; the head when there is none. */
static const struct list *walk_after(const struct walk *w, uint64_t mid)
{
    const struct list *node = walk_find(w, mid);
    if (node != NULL)
        return node->next;
    for (uint64_t next = mid + 1; mid > 0 && next > mid && next - mid < NEXT_MIDS; next++) {
        node = walk_find(w, next);
        if (node != NULL)
            return node;
    }
    node = w->head->next;
    while (node != w->head && walk_message(w, node)->env->mid <= mid)
        node = node->next;
    return node;
}

static size_t limited(size_t limit)
{
    return limit < QUEUE_VIEW_LIMIT_MAX ? limit : QUEUE_VIEW_LIMIT_MAX;
}

void queue_view_messages(const struct queue *q, const struct queue_view_messages_query *query,
                         struct mem_arena *arena, struct queue_view_messages *ret_messages)
{
    struct walk w = {.q = q, .head = &q->messages_by_mid.head};
    size_t limit = limited(query->limit);
    *ret_messages = (struct queue_view_messages){
        .items = mem_arena_alloc(arena, limit * sizeof(*ret_messages->items)),
    };
    if (query->destination.len > 0) {
        struct hmap_node *node = hmap_find(&q->dests, query->destination);
        if (node == NULL)
            return;
        w.dest = CONTAINER_OF(node, struct queue_dest, node);
        w.head = &w.dest->tickets_by_mid.head;
    }
    const struct list *node = walk_after(&w, query->after_mid);
    for (; node != w.head && ret_messages->count < limit; node = node->next)
        picture_message(q, walk_message(&w, node), walk_ticket(&w, node), arena,
                        &ret_messages->items[ret_messages->count++]);
    if (node != w.head && ret_messages->count > 0)
        ret_messages->next_after_mid = ret_messages->items[ret_messages->count - 1].mid;
}

/* ---- destinations ---- */

/* Some are there for their figures alone, until the last message goes that was once for them. */
static bool is_shown(const struct queue_dest *dest)
{
    return dest->slots > 0 || !list_is_empty(&dest->tickets_by_mid.head);
}

static int64_t dest_oldest(const struct queue_dest *dest)
{
    const struct list *head = &dest->tickets_by_mid.head;
    if (list_is_empty(head))
        return 0;
    return CONTAINER_OF(head->next, struct queue_ticket, of_dest)->message->env->received_wall_ms;
}

static int64_t dest_next_try(const struct queue *q, const struct queue_dest *dest)
{
    uint64_t next = UINT64_MAX;
    size_t looked = 0;
    if (dest->state == DEST_STATE_DOWN)
        return wall_of(q, dest->retry.key);
    for (const struct list *it = dest->waiting.next;
         it != &dest->waiting && looked < QUEUE_VIEW_WAITING; it = it->next, looked++) {
        const struct queue_ticket *ticket = CONTAINER_OF(it, struct queue_ticket, link);
        next = ticket->timer.key < next ? ticket->timer.key : next;
    }
    return next == UINT64_MAX ? 0 : wall_of(q, next);
}

static void picture_dest(const struct queue *q, const struct queue_dest *dest,
                         struct mem_arena *arena, struct queue_view_dest *ret)
{
    *ret = (struct queue_view_dest){
        .destination = copy(arena, dest->node.key),
        .state = QUEUE_DEST_STATE_UP,
        .messages = dest->ready_count + dest->waiting_count + dest->active,
        .ready = dest->ready_count,
        .waiting = dest->waiting_count,
        .active = dest->active,
        .connections = dest->slots,
        .delivered = dest->delivered,
        .delayed = dest->delayed,
        .bounced = dest->bounced,
        .oldest_wall_ms = dest_oldest(dest),
        .next_try_wall_ms = dest_next_try(q, dest),
        .last = copy_reply(arena, dest->last),
        .tls = dest->tls,
    };
    if (ret->oldest_wall_ms != 0)
        ret->oldest_age_ms = age_of(q, ret->oldest_wall_ms);
    if (dest->state == DEST_STATE_DOWN)
        ret->state = QUEUE_DEST_STATE_DOWN;
    if (dest->state == DEST_STATE_DUE || dest->state == DEST_STATE_PROBING)
        ret->state = QUEUE_DEST_STATE_PROBING;
}

bool queue_view_dest(const struct queue *q, struct slice destination, struct mem_arena *arena,
                     struct queue_view_dest *ret_dest)
{
    struct hmap_node *node = hmap_find(&q->dests, destination);
    if (node == NULL)
        return false;
    const struct queue_dest *dest = CONTAINER_OF(node, struct queue_dest, node);
    if (!is_shown(dest))
        return false;
    picture_dest(q, dest, arena, ret_dest);
    return true;
}

/* ---- a page of destinations ---- */

/* A place in the order: by rank, then by name. */
struct place {
    const struct queue_dest *dest; /* NULL: a cursor's */
    uint64_t rank;
    struct slice name;
};

static int compare_places(const struct place *a, const struct place *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
    int r = len == 0 ? 0 : memcmp(a->name.p, b->name.p, len);
    if (r != 0)
        return r;
    return a->name.len < b->name.len ? -1 : a->name.len > b->name.len;
}

static struct place place_of(const struct queue_dest *dest, enum queue_view_sort sort)
{
    struct place place = {.dest = dest, .name = dest->node.key};
    switch (sort) {
    case QUEUE_VIEW_SORT_NAME:
        break;
    case QUEUE_VIEW_SORT_OLDEST: {
        int64_t oldest = dest_oldest(dest);
        place.rank = oldest <= 0 ? UINT64_MAX : (uint64_t)oldest;
        break;
    }
    case QUEUE_VIEW_SORT_MESSAGES:
        place.rank = UINT64_MAX - (dest->ready_count + dest->waiting_count + dest->active);
        break;
    }
    return place;
}

/* `rank.hexname` */
static struct slice cursor_write(struct mem_arena *arena, const struct place *place)
{
    char *text = mem_arena_alloc(arena, QUEUE_VIEW_CURSOR_MAX);
    int len = snprintf(text, QUEUE_VIEW_CURSOR_MAX, "%llu.", (unsigned long long)place->rank);
    for (size_t i = 0; i < place->name.len; i++)
        len += snprintf(text + len, QUEUE_VIEW_CURSOR_MAX - (size_t)len, "%02x",
                        (unsigned)(unsigned char)place->name.p[i]);
    return slice_of(text, (size_t)len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool cursor_read(struct slice text, char name[QUEUE_KEY_MAX], struct place *ret_place)
{
    struct slice hex = text;
    unsigned long long rank;
    if (slice_find(text, '.') == text.len || !slice_to_u64(slice_cut(&hex, '.'), UINT64_MAX, &rank))
        return false;
    if (hex.len % 2 != 0 || hex.len / 2 > QUEUE_KEY_MAX)
        return false;
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_value(hex.p[i]), low = hex_value(hex.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        name[i / 2] = (char)(high * 16 + low);
    }
    *ret_place = (struct place){.rank = rank, .name = slice_of(name, hex.len / 2)};
    return true;
}

static bool contains_nocase(struct slice s, struct slice part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (slice_eq_nocase(slice_of(s.p + i, part.len), part))
            return true;
    return false;
}

static bool is_asked_for(const struct queue_dest *dest, const struct queue_view_dests_query *query)
{
    if (!is_shown(dest) || (query->is_only_down && dest->state == DEST_STATE_UP))
        return false;
    return contains_nocase(dest->node.key, query->text);
}

/* Into places[0..*count), which are in order and at most MAX: the last one falls out. The map's
 * order is by chance, so this moves little on the whole. */
static void keep_least(struct place *places, size_t *count, size_t max, const struct place *place)
{
    size_t low = 0, high = *count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_places(&places[middle], place) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == max)
        return;
    if (*count < max)
        (*count)++;
    memmove(&places[low + 1], &places[low], (*count - low - 1) * sizeof(*places));
    places[low] = *place;
}

bool queue_view_dests(const struct queue *q, const struct queue_view_dests_query *query,
                      struct mem_arena *arena, struct queue_view_dests *ret_dests)
{
    char name[QUEUE_KEY_MAX];
    struct place after = {0}, *places;
    size_t limit = limited(query->limit), count = 0, behind = 0;
    if (query->cursor.len > 0 && !cursor_read(query->cursor, name, &after))
        return false;
    *ret_dests = (struct queue_view_dests){.next = SLICE("")};
    places = mem_array(limit + 1, sizeof(*places));
    for (struct hmap_node *it = hmap_first(&q->dests); it != NULL; it = hmap_after(&q->dests, it)) {
        const struct queue_dest *dest = CONTAINER_OF(it, struct queue_dest, node);
        if (!is_asked_for(dest, query))
            continue;
        ret_dests->total++;
        const struct place place = place_of(dest, query->sort);
        if (query->cursor.len > 0 && compare_places(&place, &after) <= 0)
            continue;
        behind++;
        keep_least(places, &count, limit, &place);
    }
    ret_dests->items = mem_arena_alloc(arena, limit * sizeof(*ret_dests->items));
    ret_dests->count = count;
    for (size_t i = 0; i < count; i++)
        picture_dest(q, places[i].dest, arena, &ret_dests->items[i]);
    if (behind > count && count > 0)
        ret_dests->next = cursor_write(arena, &places[count - 1]);
    free(places);
    return true;
}

/* ---- the whole ---- */

void queue_summary_get(const struct queue *q, struct queue_summary *ret_summary)
{
    struct queue_summary summary = {
        .messages = q->messages.count,
        .rcpts_pending = q->rcpts_pending,
        .active = q->active,
        .ready = q->ready,
        .waiting = q->waiting,
        .bouncing = q->bouncing,
        .bytes = q->bytes,
        .delivered = q->delivered,
        .delayed = q->delayed,
        .bounced = q->bounced,
    };
    for (struct hmap_node *it = hmap_first(&q->dests); it != NULL; it = hmap_after(&q->dests, it)) {
        const struct queue_dest *dest = CONTAINER_OF(it, struct queue_dest, node);
        summary.destinations += is_shown(dest) ? 1 : 0;
        summary.destinations_down += is_shown(dest) && dest->state != DEST_STATE_UP ? 1 : 0;
    }
    /* MIDs rise with time. */
    const struct list *head = &q->messages_by_mid.head;
    if (!list_is_empty(head)) {
        const struct queue_message *oldest = CONTAINER_OF(head->next, struct queue_message, by_mid);
        summary.oldest_wall_ms = oldest->env->received_wall_ms;
    }
    *ret_summary = summary;
}
