/* One object a notice: a worker composes (the original may be on disk), the committer makes the
 * report durable, home tells the queue. Whatever goes wrong on the way ends as "not durable": the
 * queue asks again in a minute, so the sender is told late rather than never. */
#include "engine/bouncer.h"

#include "base/mem.h"
#include "base/work.h"
#include "engine/delivery.h"
#include "engine/events.h"
#include "net/loop.h"

struct bouncer {
    struct delivery *delivery;
    struct loop *home;
    struct bounce_notice *notice;
    struct snapshot *snapshot; /* a reference: the host name in the report */
    uint64_t mid, salt;
    int64_t wall_ms;
    int result;
    struct envelope *env;
    struct buf text, head;
    struct work_job job;
    struct letter letter;
    struct spool_request request;
};

static void destroy(struct bouncer *b)
{
    body_memory_release(buf_len(&b->text));
    buf_finish(&b->text);
    buf_finish(&b->head);
    envelope_destroy(b->env);
    bounce_notice_destroy(b->notice);
    snapshot_unref(b->snapshot);
    free(b);
}

static void conclude(struct bouncer *b, bool is_durable)
{
    size_t count = b->notice->rcpt_count;
    uint16_t *rids = mem_array(count, sizeof *rids);

    for (size_t i = 0; i < count; i++)
        rids[i] = b->notice->rcpts[i].rid;
    delivery_reported(b->delivery, b->notice->mid, rids, count, is_durable);
    free(rids);
    destroy(b);
}

static void run_committed(struct letter *letter)
{
    struct spool_request *request = CONTAINER_OF(letter, struct spool_request, letter);
    struct bouncer *b = CONTAINER_OF(request, struct bouncer, request);
    struct engine *engine = delivery_engine(b->delivery);

    if (request->result != 0) {
        conclude(b, false);
        return;
    }
    events_bounce_report(engine, b->notice->mid, b->env);
    struct body *body = body_create_memory(&b->text);
    delivery_add(b->delivery, b->env, &request->location, body);
    b->env = NULL;
    conclude(b, true);
}

static void run_composed(struct letter *letter)
{
    struct bouncer *b = CONTAINER_OF(letter, struct bouncer, letter);

    if (b->result < 0 || !envelope_encode(b->env, &b->head)) {
        conclude(b, false);
        return;
    }
    if (atomic_load(&delivery_engine(b->delivery)->is_ending)) {
        destroy(b); /* the next start finds the message still to be answered */
        return;
    }
    b->request.kind = SPOOL_KIND_MESSAGE;
    b->request.mid = b->mid;
    b->request.head = buf_slice(&b->head);
    b->request.body = buf_slice(&b->text);
    b->request.box = &b->home->mailbox;
    b->request.letter.run = run_committed;
    spool_submit(delivery_engine(b->delivery)->spool, &b->request);
}

static void work_compose(struct work_job *job)
{
    struct bouncer *b = CONTAINER_OF(job, struct bouncer, job);

    b->result = bounce_compose(b->notice, b->mid, b->snapshot->config->system.hostname, b->wall_ms,
                               b->salt, &b->env, &b->text);
    if (!loop_post(b->home, &b->letter))
        destroy(b); /* the process ends; the next start finds the message still to be answered */
}

void bouncer_send(struct delivery *delivery, struct loop *home, struct bounce_notice *notice)
{
    struct engine *engine = delivery_engine(delivery);
    struct bouncer *b = MEM_NEW(struct bouncer);

    b->delivery = delivery;
    b->home = home;
    b->notice = notice;
    b->snapshot = snapshot_ref(delivery_snapshot(delivery));
    b->wall_ms = clock_wall_ms(engine->clock);
    engine->clock->random(engine->clock, &b->salt, sizeof b->salt);
    buf_init(&b->text, 0);
    buf_init(&b->head, ENVELOPE_BYTES_MAX);
    b->letter.run = run_composed;
    b->job.run = work_compose;
    b->mid = idgen_take(&engine->mids);
    bool is_refused = b->mid == 0 || atomic_load(&engine->is_ending);
    int r = is_refused ? ERR_BUSY : work_submit(engine->workers, &b->job);
    if (r < 0) {
        b->result = r;
        loop_defer(home, &b->letter);
    }
}
