/* See delivery.h. Everything here runs on the home loop but delivery_add, _publish, _stop and the
 * two doors of outbound.c, which post letters.
 *
 * pump: idle links that have work get it first, then new links for what is ready. It runs once an
 * iteration, however many messages and reports came. Links beyond delivery.max_connections wait. */
#include "engine/delivery.h"

#include "base/mem.h"
#include "engine/bouncer.h"
#include "engine/events.h"
#include "engine/link.h"
#include "engine/outbound.h"
#include "net/loop.h"
#include "route/destination.h"

struct delivery {
    struct engine *engine;
    struct loop *home;
    struct queue *queue;
    struct snapshot *snapshot; /* home's; hooks and new links use it */
    struct list links;         /* busy ones */
    struct list idle;
    struct list outbounds[ENGINE_LOOPS_MAX]; /* of each loop, for its own thread alone */
    size_t link_count;
    _Atomic size_t open_links; /* link_count, for other threads */
    size_t next_loop;          /* connections are dealt in turn */
    struct loop_timer timer;
    struct letter pump;
    bool is_pump_waiting, is_stopping;
    struct delivery_wait *wait; /* during delivery_settle: for the next record */
};

static void drain_actions(struct delivery *d, uint64_t dcid);
static void want_pump(struct delivery *d);

/* --- the queue's questions --- */

static size_t hook_route(void *ctx, struct slice address, char *key, size_t key_size)
{
    (void)ctx;
    return destination_key(address, key, key_size);
}

static void hook_limits(void *ctx, struct slice key, struct queue_limits *ret_limits)
{
    struct delivery *d = ctx;
    struct destination dest;

    destination_find(d->snapshot->config, key, &dest);
    ret_limits->max_connections = dest.max_connections;
    ret_limits->max_messages = dest.max_messages_per_connection;
    ret_limits->initial_retry_ms = (uint64_t)dest.bounce_profile->initial_retry_s * 1000;
    ret_limits->max_retry_ms = (uint64_t)dest.bounce_profile->max_retry_s * 1000;
    ret_limits->max_time_ms = (uint64_t)dest.bounce_profile->max_time_in_queue_s * 1000;
    ret_limits->max_retries = dest.bounce_profile->max_retries;
}

/* --- actions --- */

struct state_record {
    struct spool_request request;
    struct delivery_wait *wait; /* NULL: nobody waits */
    struct buf bytes;
};

static void free_record(struct letter *letter)
{
    struct spool_request *request = CONTAINER_OF(letter, struct spool_request, letter);
    struct state_record *record = CONTAINER_OF(request, struct state_record, request);

    if (record->wait != NULL)
        record->wait->done(record->wait, request->result);
    buf_finish(&record->bytes);
    free(record);
}

static void submit_record(struct delivery *d, struct queue_action *action)
{
    if (atomic_load(&d->engine->is_ending))
        return; /* no delivery ends any more; the next start decides anew */
    struct state_record *record = MEM_NEW(struct state_record);

    record->wait = d->wait;
    d->wait = NULL;
    record->bytes = action->bytes;
    buf_init(&action->bytes, 0);
    record->request.kind = action->record_kind;
    record->request.mid = action->mid;
    record->request.head = buf_slice(&record->bytes);
    record->request.letter.run = free_record;
    record->request.is_patient = record->wait == NULL;
    spool_submit(d->engine->spool, &record->request);
}

/* Does the bounce profile of any recipient's destination want the sender told? */
static bool is_notice_wanted(const struct delivery *d, const struct bounce_notice *notice)
{
    for (size_t i = 0; i < notice->rcpt_count; i++) {
        char key[QUEUE_KEY_MAX];
        struct destination dest;
        size_t len = destination_key(slice_str(notice->rcpts[i].address), key, sizeof key);
        destination_find(d->snapshot->config, slice_of(key, len), &dest);
        if (dest.bounce_profile->send_bounces)
            return true;
    }
    return false;
}

static void take_notice(struct delivery *d, struct bounce_notice *notice)
{
    uint16_t rids[BOUNCE_RCPTS_MAX];
    size_t count = 0;

    if (is_notice_wanted(d, notice)) {
        bouncer_send(d, d->home, notice);
        return;
    }
    for (; count < notice->rcpt_count && count < ARRAY_LEN(rids); count++)
        rids[count] = notice->rcpts[count].rid;
    queue_bounced(d->queue, notice->mid, rids, count, true);
    bounce_notice_destroy(notice);
}

static void drain_actions(struct delivery *d, uint64_t dcid)
{
    struct queue_action *action;

    while ((action = queue_next_action(d->queue)) != NULL) {
        switch (action->kind) {
        case QUEUE_ACTION_DELIVERED: // in the log since events_job_done
            break;
        case QUEUE_ACTION_DELAYED:
            events_delayed(d->engine, dcid, action);
            break;
        case QUEUE_ACTION_BOUNCED:
            events_bounced(d->engine, dcid, action);
            break;
        case QUEUE_ACTION_NOTICE:
            take_notice(d, action->notice);
            action->notice = NULL;
            break;
        case QUEUE_ACTION_RECORD:
            submit_record(d, action);
            break;
        case QUEUE_ACTION_FINISHED:
            events_message_finished(d->engine, action->mid, "done");
            break;
        }
        queue_action_destroy(action);
    }
}

/* --- links --- */

static void link_free(struct delivery *d, struct link *link)
{
    list_remove(&link->node);
    queue_slot_close(d->queue, link->dest);
    d->link_count--;
    atomic_store_explicit(&d->open_links, d->link_count, memory_order_relaxed);
    hops_cancel(link->search);
    mem_arena_finish(&link->arena);
    snapshot_unref(link->snapshot);
    free(link);
}

static void link_send(struct link *link)
{
    link->is_out = true;
    link->works = false;
    mem_arena_finish(&link->arena);
    mem_arena_init(&link->arena);
    link->results = mem_arena_alloc(&link->arena, link->job.rid_count * sizeof *link->results);
    if (!loop_post(link->loop, &link->run)) {
        /* That loop has ended: so does the process, and the message stays queued. */
        link->outcome = LINK_REPORT_RETURNED;
        link->is_closing = link->is_closed = true;
        loop_defer(link->delivery->home, &link->report);
    }
}

/* An idle connection ends; the link stays until it has. */
static void link_quit(struct link *link)
{
    link->wants_quit = true;
    link->is_out = true;
    if (!loop_post(link->loop, &link->run)) {
        link->outcome = LINK_REPORT_QUIT;
        link->is_closed = true;
        loop_defer(link->delivery->home, &link->report);
    }
}

static void quit_idle(struct delivery *d)
{
    LIST_FOREACH(node, next, &d->idle)
    {
        struct link *link = CONTAINER_OF(node, struct link, node);
        if (!link->is_closing && !link->is_out)
            link_quit(link);
    }
}

static void hops_found(void *ctx, const struct hops *hops)
{
    struct link *link = ctx;
    struct delivery *d = link->delivery;

    link->search = NULL;
    if (hops->count > 0) {
        link->hops = *hops;
        link_send(link);
        return;
    }
    const struct outcome_result result = {
        .stage = OUTCOME_STAGE_DNS,
        .code = hops->event,
        .text = slice_str(hops->text),
    };
    queue_job_failed(d->queue, &link->job, &result);
    drain_actions(d, 0);
    link_free(d, link);
    want_pump(d);
}

static void run_report(struct letter *letter);
static void run_closed(struct letter *letter);

static void link_start(struct delivery *d, const struct queue_job *job)
{
    struct link *link = MEM_NEW(struct link);
    struct destination dest;

    list_append(&d->links, &link->node);
    d->link_count++;
    atomic_store_explicit(&d->open_links, d->link_count, memory_order_relaxed);
    link->delivery = d;
    link->dest = job->dest;
    link->job = *job;
    link->snapshot = snapshot_ref(d->snapshot);
    size_t len = job->destination.len < sizeof link->domain - 1 ? job->destination.len
                                                                : sizeof link->domain - 1;
    memcpy(link->domain, job->destination.p, len);
    destination_find(d->snapshot->config, job->destination, &dest);
    link->tls = dest.tls;
    const struct config *config = d->snapshot->config;
    const struct cfg_interface *interface =
        config_find_interface(config, config->delivery.interface);
    struct slice helo = config->system.hostname;
    if (interface != NULL) {
        link->source = interface->address;
        helo = interface->hostname;
    }
    (void)snprintf(link->helo, sizeof link->helo, "%.*s", SLICE_ARGS(helo));
    link->loop = d->engine->loops[d->next_loop];
    d->next_loop = (d->next_loop + 1) % d->engine->loop_count;
    mem_arena_init(&link->arena);
    link->run.run = outbound_run;
    link->report.run = run_report;
    link->closed.run = run_closed;
    list_init(&link->run.node);
    list_init(&link->report.node);
    list_init(&link->closed.node);
    link->search = hops_find(d->home, d->engine->resolver, d->engine->clock, d->snapshot,
                             slice_str(link->domain), hops_found, link);
}

static void run_report(struct letter *letter)
{
    struct link *link = CONTAINER_OF(letter, struct link, report);
    struct delivery *d = link->delivery;

    link->is_out = false;
    if (link->works && link->outcome != LINK_REPORT_QUIT)
        queue_connection_works(d->queue, &link->job);
    if (link->last_tls != QUEUE_TLS_UNKNOWN)
        queue_dest_tls(link->dest, link->last_tls);
    switch (link->outcome) {
    case LINK_REPORT_DONE:
        events_job_done(d->engine, link);
        queue_job_done(d->queue, &link->job, link->results);
        break;
    case LINK_REPORT_FAILED:
        queue_job_failed(d->queue, &link->job, &link->results[0]);
        break;
    case LINK_REPORT_RETURNED:
        queue_job_return(d->queue, &link->job);
        break;
    case LINK_REPORT_QUIT:
        link->is_closing = true;
        break;
    }
    drain_actions(d, link->dcid);
    if (link->is_closed) {
        link_free(d, link);
    } else if (!link->is_closing && !d->is_stopping && link->snapshot == d->snapshot &&
               queue_more_for(d->queue, link->dest, &link->job)) {
        drain_actions(d, link->dcid);
        link_send(link);
    } else {
        list_remove(&link->node);
        list_append(&d->idle, &link->node);
        /* One that was busy during a commit still has the settings before it (TLS, name). */
        if ((d->is_stopping || link->snapshot != d->snapshot) && !link->is_closing)
            link_quit(link);
    }
    want_pump(d);
}

static void run_closed(struct letter *letter)
{
    struct link *link = CONTAINER_OF(letter, struct link, closed);
    struct delivery *d = link->delivery;

    link->is_closed = true;
    if (!link->is_out)
        link_free(d, link);
    want_pump(d);
}

void delivery_take_report(struct link *link)
{
    /* Home stops last, and after every report came; if not, the message stays queued on disk. */
    bool is_posted = loop_post(link->delivery->home, &link->report);
    (void)is_posted;
}

void delivery_take_closed(struct link *link)
{
    bool is_posted = loop_post(link->delivery->home, &link->closed);
    (void)is_posted;
}

/* --- the pump --- */

static void run_pump(struct letter *letter)
{
    struct delivery *d = CONTAINER_OF(letter, struct delivery, pump);
    struct queue_job job;

    d->is_pump_waiting = false;
    queue_tick(d->queue);
    drain_actions(d, 0);
    if (!d->is_stopping) {
        LIST_FOREACH(node, next, &d->idle)
        {
            struct link *link = CONTAINER_OF(node, struct link, node);
            if (link->is_closing || link->is_out ||
                !queue_more_for(d->queue, link->dest, &link->job))
                continue;
            list_remove(&link->node);
            list_append(&d->links, &link->node);
            link_send(link);
        }
        size_t max = d->snapshot->config->delivery.max_connections;
        while (d->link_count < max && queue_next_job(d->queue, &job))
            link_start(d, &job);
        drain_actions(d, 0);
    }
    uint64_t deadline = queue_next_deadline(d->queue);
    if (deadline == UINT64_MAX || d->is_stopping)
        loop_timer_stop(&d->timer);
    else
        loop_timer_start(&d->timer, deadline);
}

static void want_pump(struct delivery *d)
{
    if (d->is_pump_waiting)
        return;
    d->is_pump_waiting = true;
    loop_defer(d->home, &d->pump);
}

static void timer_fired(struct loop_timer *timer)
{
    want_pump(CONTAINER_OF(timer, struct delivery, timer));
}

/* --- letters from other threads --- */

struct add_letter {
    struct letter letter;
    struct delivery *delivery;
    struct envelope *env;
    struct spool_location location;
    struct body *body;
};

static void run_add(struct letter *letter)
{
    struct add_letter *add = CONTAINER_OF(letter, struct add_letter, letter);
    struct delivery *d = add->delivery;

    queue_add(d->queue, add->env, &add->location, add->body);
    drain_actions(d, 0);
    want_pump(d);
    free(add);
}

void delivery_add(struct delivery *delivery, struct envelope *env,
                  const struct spool_location *location, struct body *body)
{
    struct add_letter *add = MEM_NEW(struct add_letter);

    add->letter.run = run_add;
    add->delivery = delivery;
    add->env = env;
    add->location = *location;
    add->body = body;
    if (!loop_post(delivery->home, &add->letter)) {
        /* The process ends: the message is on disk and the next start delivers it. */
        envelope_destroy(env);
        body_unref(body);
        free(add);
    }
}

struct publish_letter {
    struct letter letter;
    struct delivery *delivery;
    struct snapshot *snapshot;
};

static void run_publish(struct letter *letter)
{
    struct publish_letter *publish = CONTAINER_OF(letter, struct publish_letter, letter);
    struct delivery *d = publish->delivery;

    snapshot_unref(d->snapshot);
    d->snapshot = publish->snapshot;
    free(publish);
    quit_idle(d); /* they keep the settings they began with; new ones have the new ones */
    queue_limits_changed(d->queue);
    drain_actions(d, 0);
    want_pump(d);
}

void delivery_publish(struct delivery *delivery, struct snapshot *snapshot)
{
    struct publish_letter *publish = MEM_NEW(struct publish_letter);

    publish->letter.run = run_publish;
    publish->delivery = delivery;
    publish->snapshot = snapshot_ref(snapshot);
    if (!loop_post(delivery->home, &publish->letter)) {
        snapshot_unref(snapshot);
        free(publish);
    }
}

struct stop_letter {
    struct letter letter;
    struct delivery *delivery;
};

static void run_stop(struct letter *letter)
{
    struct stop_letter *stop = CONTAINER_OF(letter, struct stop_letter, letter);
    struct delivery *d = stop->delivery;

    free(stop);
    d->is_stopping = true;
    loop_timer_stop(&d->timer);
    quit_idle(d);
    LIST_FOREACH(node, next, &d->links)
    {
        struct link *link = CONTAINER_OF(node, struct link, node);
        if (link->search == NULL)
            continue;
        queue_job_return(d->queue, &link->job);
        link_free(d, link);
    }
}

void delivery_stop(struct delivery *delivery)
{
    struct stop_letter *stop = MEM_NEW(struct stop_letter);

    stop->letter.run = run_stop;
    stop->delivery = delivery;
    if (!loop_post(delivery->home, &stop->letter))
        free(stop);
}

void delivery_abort(struct delivery *delivery, struct loop *loop, bool is_only_unready)
{
    LIST_FOREACH(node, next, delivery_outbounds(delivery, loop))
    outbound_abort(node, is_only_unready);
}

struct list *delivery_outbounds(struct delivery *delivery, const struct loop *loop)
{
    size_t i = 0;

    while (delivery->engine->loops[i] != loop)
        i++;
    return &delivery->outbounds[i];
}

size_t delivery_link_count(const struct delivery *delivery)
{
    return atomic_load_explicit(&delivery->open_links, memory_order_relaxed);
}

void delivery_reported(struct delivery *delivery, uint64_t mid, const uint16_t *rids,
                       size_t rid_count, bool is_durable)
{
    queue_bounced(delivery->queue, mid, rids, rid_count, is_durable);
    drain_actions(delivery, 0);
    want_pump(delivery);
}

struct engine *delivery_engine(struct delivery *delivery)
{
    return delivery->engine;
}

struct queue *delivery_queue(struct delivery *delivery)
{
    return delivery->queue;
}

void delivery_settle(struct delivery *delivery, struct delivery_wait *wait)
{
    delivery->wait = wait;
    drain_actions(delivery, 0);
    if (delivery->wait != NULL)
        wait->done(wait, ERR_CLOSED);
    delivery->wait = NULL;
    want_pump(delivery);
}

struct snapshot *delivery_snapshot(struct delivery *delivery)
{
    return delivery->snapshot;
}

struct delivery *delivery_create(struct engine *engine, struct snapshot *snapshot)
{
    struct delivery *d = MEM_NEW(struct delivery);
    const struct queue_hooks hooks = {.ctx = d, .route = hook_route, .limits = hook_limits};

    d->engine = engine;
    d->home = engine->loops[0];
    d->snapshot = snapshot_ref(snapshot);
    list_init(&d->links);
    list_init(&d->idle);
    for (size_t i = 0; i < ENGINE_LOOPS_MAX; i++)
        list_init(&d->outbounds[i]);
    atomic_init(&d->open_links, 0);
    d->pump.run = run_pump;
    list_init(&d->pump.node);
    loop_timer_init(&d->timer, d->home, timer_fired);
    d->queue = queue_create(engine->clock, &hooks, engine->spool);
    return d;
}

void delivery_destroy(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    struct list *lists[] = {&delivery->links, &delivery->idle};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        LIST_FOREACH(node, next, lists[i])
        {
            /* Still out when the loops ended: its message stays queued on disk. */
            struct link *link = CONTAINER_OF(node, struct link, node);
            if (link->is_out && !link->wants_quit)
                body_unref(link->job.body);
            list_remove(&link->node);
            mem_arena_finish(&link->arena);
            snapshot_unref(link->snapshot);
            free(link);
        }
    }
    queue_destroy(delivery->queue);
    snapshot_unref(delivery->snapshot);
    free(delivery);
}
