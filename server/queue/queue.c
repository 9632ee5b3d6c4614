/* The queue's doors, and what comes of an attempt: see queue.h and queue_priv.h.
 *
 *   result -> outcome_decide
 *               delivered   status, for good
 *               bounce      sender can be told: BOUNCING until its report is durable
 *                           no sender: BOUNCED at once (a double bounce)
 *               retry       ticket WAITING by the back-off of the destination's profile;
 *                           a bounce when tries or time have run out (5.4.7)
 *
 * After each change one RECORD action: STATE with all recipients as they are now, or DONE and
 * FINISHED when none is left. The record is not waited for: the window is described in spool.h.
 *
 * Owner thread: the one that drives the queue. */
#include "queue/queue.h"

#include "base/limits.h"
#include "base/mem.h"
#include "queue/backoff.h"
#include "queue/queue_priv.h"
#include "queue/record.h"

enum {
    BOUNCE_AGAIN_MS = 60000,
    REPLY_MAX = 1024, /* bytes kept of an answer, for whoever looks at the queue */
};

struct queue *queue_create(const struct clock *clock, const struct queue_hooks *hooks,
                           struct spool *spool)
{
    struct queue *q = MEM_NEW(struct queue);
    q->clock = clock;
    q->hooks = *hooks;
    q->spool = spool;
    hmap_init(&q->messages);
    hmap_init(&q->dests);
    heap_init(&q->timers);
    heap_init(&q->retries);
    list_init(&q->runnable);
    list_init(&q->actions);
    queue_order_init(&q->messages_by_mid);
    return q;
}

void queue_destroy(struct queue *q)
{
    if (q == NULL)
        return;
    for (struct hmap_node *it = hmap_first(&q->messages); it != NULL;) {
        struct hmap_node *next = hmap_after(&q->messages, it);
        queue_message_destroy(q, CONTAINER_OF(it, struct queue_message, node));
        it = next;
    }
    for (struct hmap_node *it = hmap_first(&q->dests); it != NULL;) {
        struct hmap_node *next = hmap_after(&q->dests, it);
        struct queue_dest *dest = CONTAINER_OF(it, struct queue_dest, node);
        dest->slots = 0; /* connections that were never told closed */
        queue_dest_release(q, dest);
        it = next;
    }
    for (struct queue_action *action = queue_next_action(q); action != NULL;
         action = queue_next_action(q))
        queue_action_destroy(action);
    hmap_finish(&q->messages);
    hmap_finish(&q->dests);
    heap_finish(&q->timers);
    heap_finish(&q->retries);
    free(q);
}

/* ---- actions ---- */

static struct queue_action *action_add(struct queue *q, enum queue_action_kind kind, uint64_t mid)
{
    struct queue_action *action = MEM_NEW(struct queue_action);
    action->kind = kind;
    action->mid = mid;
    buf_init(&action->bytes, 0);
    list_append(&q->actions, &action->node);
    return action;
}

struct queue_action *queue_next_action(struct queue *q)
{
    struct list *node = list_pop(&q->actions);
    return node == NULL ? NULL : CONTAINER_OF(node, struct queue_action, node);
}

void queue_action_destroy(struct queue_action *action)
{
    if (action == NULL)
        return;
    free(action->sender);
    free(action->rcpt);
    free(action->remote_text);
    bounce_notice_destroy(action->notice);
    buf_finish(&action->bytes);
    free(action);
}

static char *said(const struct outcome_result *result)
{
    return outcome_said(result->enhanced, result->text);
}

/* What was answered, to be kept in *PLACE instead of what was there. */
static void reply_keep(struct queue *q, struct envelope_reply **place,
                       const struct outcome_result *result)
{
    size_t enhanced_len = result->enhanced.len < REPLY_MAX ? result->enhanced.len : REPLY_MAX;
    size_t text_len = result->text.len < REPLY_MAX ? result->text.len : REPLY_MAX;
    struct envelope_reply *reply = mem_alloc(sizeof(*reply) + enhanced_len + text_len);
    *reply = (struct envelope_reply){
        .at_wall_ms = clock_wall_ms(q->clock),
        .code = result->code >= 200 ? result->code : 0,
        .enhanced_len = (uint16_t)enhanced_len,
        .text_len = (uint16_t)text_len,
    };
    if (enhanced_len > 0)
        memcpy(reply->bytes, result->enhanced.p, enhanced_len);
    if (text_len > 0)
        memcpy(reply->bytes + enhanced_len, result->text.p, text_len);
    free(*place);
    *place = reply;
}

/* A kept one in words: `450 4.2.1 mailbox busy`. The caller frees it. */
static char *reply_said(const struct envelope_reply *reply)
{
    if (reply == NULL)
        return mem_strdup("the time in the queue is over");
    char *text = outcome_said(slice_of(reply->bytes, reply->enhanced_len),
                              slice_of(reply->bytes + reply->enhanced_len, reply->text_len));
    if (reply->code == 0)
        return text;
    char *line = mem_printf("%d %s", reply->code, text);
    free(text);
    return line;
}

/* What the administrator has taken out is DELETED for the disk, and PENDING for the attempt that
 * is under way. */
static void mark_deleted(struct queue_message *message, enum envelope_status from,
                         enum envelope_status to)
{
    for (size_t i = 0; i < message->ticket_count; i++) {
        const struct queue_ticket *ticket = &message->tickets[i];
        bool is_under_way = ticket->is_deleted && ticket->state == TICKET_STATE_ACTIVE;
        for (size_t rid = 0; is_under_way && rid < message->env->rcpt_count; rid++) {
            struct envelope_rcpt *rcpt = &message->env->rcpts[rid];
            if (rcpt->ticket == ticket->index && rcpt->status == (uint8_t)from)
                rcpt->status = (uint8_t)to;
        }
    }
}

/* The message's state as a record; the message is gone afterwards when nobody is left. */
static void record(struct queue *q, struct queue_message *message)
{
    uint64_t mid = message->env->mid;
    struct queue_action *action = action_add(q, QUEUE_ACTION_RECORD, mid);
    queue_message_settle(message);
    if (message->pending > 0 || message->bouncing > 0) {
        action->record_kind = SPOOL_KIND_STATE;
        mark_deleted(message, ENVELOPE_STATUS_PENDING, ENVELOPE_STATUS_DELETED);
        bool fits = record_state_encode(message->env, &action->bytes);
        mark_deleted(message, ENVELOPE_STATUS_DELETED, ENVELOPE_STATUS_PENDING);
        ASSERT(fits); /* no cap */
        return;
    }
    action->record_kind = SPOOL_KIND_DONE;
    (void)action_add(q, QUEUE_ACTION_FINISHED, mid); /* the kind and the MID say it all */
    queue_message_destroy(q, message);
}

/* ---- one recipient ---- */

static void rcpt_settle(struct queue *q, struct queue_ticket *ticket, uint16_t rid,
                        enum envelope_status status)
{
    ticket->message->env->rcpts[rid].status = (uint8_t)status;
    ticket->message->pending--;
    ticket->pending--;
    q->rcpts_pending--;
}

static void rcpt_delivered(struct queue *q, struct queue_ticket *ticket, uint16_t rid,
                           const struct outcome_result *result)
{
    rcpt_settle(q, ticket, rid, ENVELOPE_STATUS_DELIVERED);
    struct queue_action *action = action_add(q, QUEUE_ACTION_DELIVERED, ticket->message->env->mid);
    action->rid = rid;
    action->code = result->code;
    action->remote_text = said(result);
    q->delivered++;
    ticket->dest->delivered++;
    queue_dest_credit(q, ticket->dest);
}

/* What the log says of a recipient that was not delivered. */
static struct queue_action *action_about(struct queue *q, enum queue_action_kind kind,
                                         const struct envelope *env, uint16_t rid,
                                         const struct outcome *outcome,
                                         const struct outcome_result *result)
{
    struct queue_action *action = action_add(q, kind, env->mid);
    action->rid = rid;
    action->code = result->code;
    action->enhanced = outcome->enhanced;
    action->text = outcome->text;
    action->sender = slice_dup(envelope_sender(env));
    action->rcpt = slice_dup(envelope_rcpt_address(&env->rcpts[rid]));
    action->remote_text = said(result);
    return action;
}

/* *NOTICES: the notice being filled, handed out as an action when it is full. */
static void rcpt_bounced(struct queue *q, struct queue_ticket *ticket, uint16_t rid,
                         const struct outcome *outcome, const struct outcome_result *result,
                         struct bounce_notice **notice)
{
    struct queue_message *message = ticket->message;
    struct envelope *env = message->env;
    struct queue_action *action = action_about(q, QUEUE_ACTION_BOUNCED, env, rid, outcome, result);
    q->bounced++;
    ticket->dest->bounced++;
    if (!bounce_is_wanted(env)) {
        action->is_double_bounce = true;
        rcpt_settle(q, ticket, rid, ENVELOPE_STATUS_BOUNCED);
        return;
    }
    /* Still PENDING for the disk: settled when its report is durable. */
    rcpt_settle(q, ticket, rid, ENVELOPE_STATUS_PENDING);
    env->rcpts[rid].ticket |= TICKET_BOUNCING;
    message->bouncing++;
    q->bouncing++;
    if (*notice == NULL)
        *notice = bounce_notice_create(env, queue_message_body(q, message));
    bounce_notice_add(*notice, env, rid, outcome, result->code, result->enhanced, result->text,
                      result->remote_host);
    if ((*notice)->rcpt_count == BOUNCE_RCPTS_MAX) {
        action_add(q, QUEUE_ACTION_NOTICE, env->mid)->notice = *notice;
        *notice = NULL;
    }
}

static void notice_hand_out(struct queue *q, uint64_t mid, struct bounce_notice *notice)
{
    if (notice != NULL)
        action_add(q, QUEUE_ACTION_NOTICE, mid)->notice = notice;
}

/* Its pending recipients have run out of tries or time. */
static void ticket_give_up(struct queue *q, struct queue_ticket *ticket,
                           struct bounce_notice **notice)
{
    struct outcome expired = outcome_expired();
    struct envelope *env = ticket->message->env;
    for (uint16_t rid = 0; rid < env->rcpt_count && ticket->pending > 0; rid++) {
        if (env->rcpts[rid].status != ENVELOPE_STATUS_PENDING ||
            env->rcpts[rid].ticket != ticket->index)
            continue;
        char *text = reply_said(env->rcpts[rid].last);
        const struct outcome_result result = {
            .stage = OUTCOME_STAGE_LOCAL, .code = OUTCOME_EVENT_TIMEOUT, .text = slice_str(text)};
        rcpt_bounced(q, ticket, rid, &expired, &result, notice);
        free(text);
    }
}

void queue_ticket_expire(struct queue *q, struct queue_ticket *ticket)
{
    struct queue_message *message = ticket->message;
    struct bounce_notice *notice = NULL;
    uint64_t mid = message->env->mid;
    int64_t now = clock_wall_ms(q->clock);
    /* All that have expired with it, so that the sender gets one report. */
    for (size_t i = 0; i < message->ticket_count; i++) {
        struct queue_ticket *other = &message->tickets[i];
        bool is_waiting =
            other->state == TICKET_STATE_READY || other->state == TICKET_STATE_WAITING;
        if (!is_waiting || (other != ticket && queue_ticket_expiry_wall(other) > now))
            continue;
        queue_ticket_make_idle(q, other);
        ticket_give_up(q, other, &notice);
    }
    notice_hand_out(q, mid, notice);
    record(q, message);
}

/* ---- a ticket after its attempt ---- */

struct deferral {
    struct queue_ticket *ticket;
    uint64_t delay_ms;
    bool is_over; /* no further try: tries or time have run out */
};

/* Counts the failed attempt and says when the next one is due. */
static struct deferral ticket_defer(struct queue *q, struct queue_ticket *ticket)
{
    struct queue_dest *dest = ticket->dest;
    const struct queue_limits *limits = &dest->limits;
    uint64_t random;
    q->clock->random(q->clock, &random, sizeof(random));
    if (ticket->attempts < UINT16_MAX)
        ticket->attempts++;
    /* A destination known to be down for long is not worth the short first waits. */
    uint32_t attempts = ticket->attempts;
    if (dest->state != DEST_STATE_UP && dest->failures > attempts)
        attempts = dest->failures;
    struct deferral deferral = {
        .ticket = ticket,
        .delay_ms =
            backoff_delay_ms(limits->initial_retry_ms, limits->max_retry_ms, attempts, random),
        .is_over = ticket->attempts > limits->max_retries ||
                   queue_ticket_expiry_wall(ticket) <= clock_wall_ms(q->clock),
    };
    return deferral;
}

static void rcpt_delayed(struct queue *q, const struct deferral *deferral, uint16_t rid,
                         const struct outcome *outcome, const struct outcome_result *result)
{
    struct queue_ticket *ticket = deferral->ticket;
    struct envelope *env = ticket->message->env;
    struct envelope_rcpt *rcpt = &env->rcpts[rid];
    rcpt->attempts = ticket->attempts;
    rcpt->next_try_wall_ms = clock_wall_ms(q->clock) + (int64_t)deferral->delay_ms;
    action_about(q, QUEUE_ACTION_DELAYED, env, rid, outcome, result)->delay_ms = deferral->delay_ms;
    q->delayed++;
    ticket->dest->delayed++;
}

/* The job gives back what it borrowed. */
static struct queue_ticket *job_take_back(struct queue *q, struct queue_job *job)
{
    struct queue_ticket *ticket = job->ticket;
    ASSERT(ticket != NULL && ticket->state == TICKET_STATE_ACTIVE);
    queue_ticket_make_idle(q, ticket);
    body_unref(job->body);
    job->body = NULL;
    job->ticket = NULL;
    return ticket;
}

static void job_forget(struct queue_job *job)
{
    free((void *)(uintptr_t)job->rids); /* ours: hand_out made it */
    job->rids = NULL;
    job->rid_count = 0;
    job->env = NULL;
}

static void delete_rest(struct queue *q, struct queue_ticket *ticket)
{
    struct envelope *env = ticket->message->env;
    for (uint16_t rid = 0; rid < env->rcpt_count; rid++) {
        if (env->rcpts[rid].status == ENVELOPE_STATUS_PENDING &&
            env->rcpts[rid].ticket == ticket->index)
            rcpt_settle(q, ticket, rid, ENVELOPE_STATUS_DELETED);
    }
}

/* RESULTS: one a recipient, or the same for all with STEP 0. */
static void job_end(struct queue *q, struct queue_job *job, const struct outcome_result *results,
                    size_t step)
{
    struct queue_ticket *ticket = job_take_back(q, job);
    struct queue_message *message = ticket->message;
    struct bounce_notice *notice = NULL;
    struct deferral deferral = {0};
    const struct outcome_result *furthest = results; /* said last */
    for (size_t i = 0; i < job->rid_count; i++) {
        const struct outcome_result *result = &results[i * step];
        struct outcome outcome = outcome_decide(result);
        uint16_t rid = job->rids[i];
        if (result->stage >= furthest->stage)
            furthest = result;
        /* Nobody will look at that of a message which is about to go. */
        if (outcome.verdict != OUTCOME_VERDICT_DELIVERED || message->env->rcpt_count > 1)
            reply_keep(q, &message->env->rcpts[rid].last, result);
        if (outcome.verdict == OUTCOME_VERDICT_DELIVERED) {
            rcpt_delivered(q, ticket, rid, result);
        } else if (outcome.verdict == OUTCOME_VERDICT_BOUNCE) {
            rcpt_bounced(q, ticket, rid, &outcome, result, &notice);
        } else if (!ticket->is_deleted) {
            if (deferral.ticket == NULL) {
                deferral = ticket_defer(q, ticket);
                ticket->is_dest_fault = step == 0;
            }
            if (!deferral.is_over)
                rcpt_delayed(q, &deferral, rid, &outcome, result);
        }
    }
    reply_keep(q, &ticket->dest->last, furthest);
    if (ticket->is_deleted)
        delete_rest(q, ticket);
    if (deferral.is_over)
        ticket_give_up(q, ticket, &notice);
    if (deferral.ticket == NULL)
        deferral.delay_ms = BOUNCE_AGAIN_MS; /* what is left came back from a failed report */
    if (ticket->pending > 0)
        queue_ticket_make_waiting(q, ticket, clock_wall_ms(q->clock) + (int64_t)deferral.delay_ms);
    /* The first attempt is over: from now on the copy on disk will do. */
    queue_message_drop_memory(message);
    notice_hand_out(q, message->env->mid, notice);
    job_forget(job);
    record(q, message);
}

void queue_connection_works(struct queue *q, struct queue_job *job)
{
    queue_dest_up(q, job->dest);
}

void queue_job_done(struct queue *q, struct queue_job *job, const struct outcome_result *results)
{
    /* The message was offered, so the connection stood, told or not. */
    queue_dest_up(q, job->dest);
    job_end(q, job, results, 1);
}

void queue_job_failed(struct queue *q, struct queue_job *job, const struct outcome_result *result)
{
    struct queue_dest *dest = job->dest;
    struct outcome outcome = outcome_decide(result);
    bool is_current = job->dest_epoch == dest->epoch;
    if (outcome.verdict != OUTCOME_VERDICT_RETRY) {
        /* Final for this message (no such domain): it says nothing about connections. */
        if (dest->state == DEST_STATE_PROBING && is_current)
            queue_dest_due(q, dest);
        job_end(q, job, result, 0);
        return;
    }
    /* "Too many connections" while others of ours stand: fewer, and the message is not to blame. */
    bool is_answer = result->code >= 400 && (result->stage == OUTCOME_STAGE_GREETING ||
                                             result->stage == OUTCOME_STAGE_EHLO);
    if (is_answer && dest->state == DEST_STATE_UP && dest->slots > 1) {
        dest->window = dest->window < dest->slots ? dest->window - 1 : dest->slots - 1;
        if (dest->window == 0)
            dest->window = 1;
        dest->window_credit = 0;
        reply_keep(q, &dest->last, result);
        queue_job_return(q, job);
        return;
    }
    if (is_current) {
        uint64_t random;
        q->clock->random(q->clock, &random, sizeof(random));
        dest->failures++;
        uint32_t attempts = dest->failures;
        const struct queue_ticket *ticket = job->ticket;
        /* After a restart the message remembers what the destination has forgotten. */
        if (ticket->attempts + 1u > attempts && list_is_empty(&dest->ready))
            attempts = ticket->attempts + 1u;
        queue_dest_down(q, dest,
                        backoff_delay_ms(dest->limits.initial_retry_ms, dest->limits.max_retry_ms,
                                         attempts, random));
    }
    job_end(q, job, result, 0);
}

void queue_job_return(struct queue *q, struct queue_job *job)
{
    struct queue_dest *dest = job->dest;
    if (dest->state == DEST_STATE_PROBING && job->is_probe && job->dest_epoch == dest->epoch)
        queue_dest_due(q, dest);
    struct queue_ticket *ticket = job_take_back(q, job);
    job_forget(job);
    if (!ticket->is_deleted) {
        queue_ticket_make_ready(q, ticket, true);
        return;
    }
    delete_rest(q, ticket);
    record(q, ticket->message);
}

/* ---- in and out ---- */

void queue_add(struct queue *q, struct envelope *env, const struct spool_location *location,
               struct body *body)
{
    struct queue_message *message = queue_message_create(q, env, location, body);
    int64_t now = clock_wall_ms(q->clock);
    if (message->pending == 0) {
        record(q, message);
        return;
    }
    /* Half the budget is for sessions that are taking mail in. */
    if (body != NULL && body_memory_used() > LIMIT_BODY_BUDGET / 2)
        queue_message_drop_memory(message);
    bool is_any_up = false;
    for (size_t i = 0; i < message->ticket_count; i++) {
        struct queue_ticket *ticket = &message->tickets[i];
        int64_t next = 0;
        for (size_t rid = 0; ticket->attempts > 0 && rid < env->rcpt_count; rid++) {
            const struct envelope_rcpt *rcpt = &env->rcpts[rid];
            if (rcpt->status == ENVELOPE_STATUS_PENDING && rcpt->ticket == i &&
                rcpt->next_try_wall_ms > next)
                next = rcpt->next_try_wall_ms;
        }
        if (next > now)
            queue_ticket_make_waiting(q, ticket, next);
        else
            queue_ticket_make_ready(q, ticket, false);
        is_any_up |= ticket->dest->state == DEST_STATE_UP;
    }
    if (!is_any_up)
        queue_message_drop_memory(message);
}

void queue_bounced(struct queue *q, uint64_t mid, const uint16_t *rids, size_t rid_count,
                   bool is_durable)
{
    struct queue_message *message = queue_message_find(q, mid);
    ASSERT(message != NULL); /* it cannot go while recipients are bouncing */
    for (size_t i = 0; i < rid_count; i++) {
        struct envelope_rcpt *rcpt = &message->env->rcpts[rids[i]];
        ASSERT((rcpt->ticket & TICKET_BOUNCING) != 0);
        rcpt->ticket = (uint16_t)(rcpt->ticket & ~TICKET_BOUNCING);
        message->bouncing--;
        q->bouncing--;
        if (is_durable) {
            rcpt->status = ENVELOPE_STATUS_BOUNCED;
            continue;
        }
        /* Tried again as if it had been deferred; the same answer leads to the same report. */
        struct queue_ticket *ticket = &message->tickets[rcpt->ticket];
        ticket->pending++;
        message->pending++;
        q->rcpts_pending++;
        if (ticket->state != TICKET_STATE_IDLE)
            continue;
        queue_ticket_make_waiting(q, ticket, clock_wall_ms(q->clock) + BOUNCE_AGAIN_MS);
        /* Not sooner, even if it has expired: that is why there is a report. */
        heap_add(&q->timers, &ticket->timer, clock_mono_ms(q->clock) + BOUNCE_AGAIN_MS);
    }
    if (is_durable)
        record(q, message);
}

/* ---- administration ---- */

enum queue_deletion queue_message_delete(struct queue *q, uint64_t mid)
{
    struct queue_message *message = queue_message_find(q, mid);
    if (message == NULL)
        return QUEUE_DELETION_NOT_FOUND;
    if (message->pending == 0)
        return QUEUE_DELETION_BOUNCING;
    bool is_under_way = false;
    for (size_t i = 0; i < message->ticket_count; i++) {
        struct queue_ticket *ticket = &message->tickets[i];
        if (ticket->state == TICKET_STATE_ACTIVE) {
            ticket->is_deleted = is_under_way = true; /* it cannot be called back */
            continue;
        }
        queue_ticket_make_idle(q, ticket);
        delete_rest(q, ticket);
    }
    record(q, message);
    return is_under_way ? QUEUE_DELETION_LATER : QUEUE_DELETION_DONE;
}

/* First in line, in a state in which its destination lets it go. */
static void ticket_retry_now(struct queue *q, struct queue_ticket *ticket)
{
    if (ticket->state != TICKET_STATE_READY && ticket->state != TICKET_STATE_WAITING)
        return;
    queue_ticket_make_ready(q, ticket, true);
    if (ticket->dest->state == DEST_STATE_DOWN)
        queue_dest_due(q, ticket->dest);
}

bool queue_message_retry_now(struct queue *q, uint64_t mid)
{
    struct queue_message *message = queue_message_find(q, mid);
    if (message == NULL)
        return false;
    for (size_t i = 0; i < message->ticket_count; i++)
        ticket_retry_now(q, &message->tickets[i]);
    return true;
}

bool queue_dest_retry_now(struct queue *q, struct slice destination)
{
    struct hmap_node *node = hmap_find(&q->dests, destination);
    if (node == NULL)
        return false;
    struct queue_dest *dest = CONTAINER_OF(node, struct queue_dest, node);
    if (list_is_empty(&dest->tickets_by_mid.head))
        return false;
    LIST_FOREACH(it, next, &dest->waiting)
    queue_ticket_make_ready(q, CONTAINER_OF(it, struct queue_ticket, link), false);
    if (dest->state == DEST_STATE_DOWN)
        queue_dest_due(q, dest);
    return true;
}
