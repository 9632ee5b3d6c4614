/* The spool's sink: a message is kept in memory while it is small, in a file of its own when it is
 * not, and `done` comes when its record is durable.
 *
 *   write -> buffer (<= LIMIT_BODY_IN_MEMORY, counted in the global budget)
 *              | too large, or the budget is used up
 *              v
 *         chunk -> worker: spool_body_write -> letter home -> next chunk    (one job at a time)
 *   finish -> [worker: spool_body_finish] -> spool_submit -> letter home -> delivery_add, done(0)
 *
 * A session that is faster than the disk is told to wait (write returns false) when one chunk is
 * with the worker and another is full: memory a session is two chunks at most.
 * The message belongs to the session's loop; the worker has it while `is_busy`. After abort it
 * lives on until what is under way came home. A message whose record was submitted is kept even
 * when the client hung up meanwhile: it may or may not have read the 250 (RFC 5321 4.5.4.1,
 * duplicates). */
#include "engine/inbound_sink.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/work.h"
#include "engine/delivery.h"
#include "net/loop.h"
#include "queue/spool.h"
#include "trace/trace.h"

enum { BUDGET_STEP_BYTES = 16384 };

struct spool_message {
    struct inbound_message base;
    struct inbound_message_handler handler;
    struct sink_spool *sink;
    struct loop *home;
    struct envelope *env;

    struct buf body;       /* all of it while small, the chunk being filled once large */
    struct buf in_work;    /* the chunk the worker writes */
    size_t acquired_bytes; /* of the body budget, for `body` while small */
    uint64_t size_bytes;

    bool is_large;
    bool is_busy; /* the worker has it */
    bool is_full; /* write returned false: `drained` is owed */
    bool is_finishing, is_aborted, is_submitted;
    int result; /* first failure */

    /* The worker's while is_busy. Not among the flags above: compilers read those all at once. */
    struct spool_body_writer *writer;
    int work_result; /* taken over when it came home */
    bool is_stored;  /* the file is whole */
    uint64_t file_bytes;

    struct work_job job;
    struct letter letter;
    struct spool_request request;
    struct buf head;
};

static void step(struct spool_message *m);

static void destroy(struct spool_message *m)
{
    body_memory_release(m->acquired_bytes);
    envelope_destroy(m->env);
    buf_finish(&m->body);
    buf_finish(&m->in_work);
    buf_finish(&m->head);
    free(m);
}

/* --- on a worker --- */

static void come_home(struct spool_message *m)
{
    /* The loop outlives its sessions' messages: it stops after the workers are through. */
    if (!loop_post(m->home, &m->letter))
        destroy(m);
}

static void work_write(struct work_job *job)
{
    struct spool_message *m = CONTAINER_OF(job, struct spool_message, job);
    int r = 0;

    if (m->writer == NULL)
        r = spool_body_open(m->sink->spool, m->env->mid, &m->writer, NULL);
    if (r == 0)
        r = spool_body_write(m->writer, buf_slice(&m->in_work), NULL);
    m->work_result = r;
    come_home(m);
}

static void work_finish(struct work_job *job)
{
    struct spool_message *m = CONTAINER_OF(job, struct spool_message, job);
    struct spool_body_writer *writer = m->writer;

    m->writer = NULL;
    int r = spool_body_finish(writer, &m->file_bytes, NULL);
    m->work_result = r;
    m->is_stored = r == 0;
    come_home(m);
}

static void work_discard(struct work_job *job)
{
    struct spool_message *m = CONTAINER_OF(job, struct spool_message, job);

    spool_body_abort(m->writer);
    m->writer = NULL;
    if (m->is_stored)
        spool_body_discard(m->sink->spool, m->env->mid);
    m->is_stored = false;
    come_home(m);
}

/* --- at home --- */

static void run_step(struct letter *letter)
{
    struct spool_message *m = CONTAINER_OF(letter, struct spool_message, letter);

    m->is_busy = false;
    if (m->result == 0)
        m->result = m->work_result;
    buf_clear(&m->in_work, (size_t)LIMIT_BODY_CHUNK * 2);
    step(m);
}

static struct engine *engine_of(const struct spool_message *m)
{
    return delivery_engine(m->sink->delivery);
}

static bool is_ending(const struct spool_message *m)
{
    return atomic_load(&engine_of(m)->is_ending);
}

/* As if a worker had come home: `done` never comes inside the call that led to it. */
static void step_later(struct spool_message *m)
{
    m->letter.run = run_step;
    m->is_busy = true;
    loop_defer(m->home, &m->letter);
}

static void give_work(struct spool_message *m, void (*run)(struct work_job *job))
{
    m->letter.run = run_step;
    m->job.run = run;
    m->is_busy = true;
    m->work_result = 0;
    if (is_ending(m) || work_submit(m->sink->workers, &m->job) < 0) {
        /* Every worker has its hands full: the message is refused, its file cleaned up here. */
        if (m->result == 0)
            m->result = ERR_BUSY;
        spool_body_abort(m->writer);
        m->writer = NULL;
        if (m->is_stored)
            spool_body_discard(m->sink->spool, m->env->mid);
        m->is_stored = false;
        step_later(m);
    }
}

static void run_committed(struct letter *letter)
{
    struct spool_request *request = CONTAINER_OF(letter, struct spool_request, letter);
    struct spool_message *m = CONTAINER_OF(request, struct spool_message, request);

    m->is_submitted = false;
    m->result = request->result;
    if (request->result != 0) {
        step(m);
        return;
    }
    struct body *body = NULL;
    if (!m->is_large) {
        body_memory_release(m->acquired_bytes - buf_len(&m->body));
        m->acquired_bytes = 0;
        body = body_create_memory(&m->body);
    }
    /* Its lines and the 250 first, so that the log tells the story in order. */
    struct engine *engine = engine_of(m);
    if (!m->is_aborted)
        m->handler.done(m->handler.user, 0);
    else
        TRACE_EMIT(engine->trace, clock_wall_ms(engine->clock), mid_queued, .mid = m->env->mid);
    delivery_add(m->sink->delivery, m->env, &request->location, body);
    m->env = NULL;
    destroy(m);
}

static void submit(struct spool_message *m)
{
    if (is_ending(m)) {
        m->result = ERR_BUSY;
        step_later(m);
        return;
    }
    m->env->size_bytes = (uint32_t)m->size_bytes;
    buf_init(&m->head, ENVELOPE_BYTES_MAX);
    bool is_ok = envelope_encode(m->env, &m->head);
    ASSERT(is_ok);
    m->request.kind = SPOOL_KIND_MESSAGE;
    m->request.mid = m->env->mid;
    m->request.head = buf_slice(&m->head);
    if (m->is_large) {
        m->request.has_body_file = true;
        m->request.body_file_bytes = m->file_bytes;
    } else {
        m->request.body = buf_slice(&m->body);
    }
    m->request.box = &m->home->mailbox;
    m->request.letter.run = run_committed;
    m->is_submitted = true;
    spool_submit(m->sink->spool, &m->request);
}

/* The client hung up behind its final dot, and the message was not kept. */
static void tell_aborted(const struct spool_message *m)
{
    struct engine *engine = engine_of(m);
    int64_t now = clock_wall_ms(engine->clock);

    TRACE_EMIT(engine->trace, now, mid_aborted, .mid = m->env->mid,
               .reason = SLICE("Receiving aborted"),
               .cause = SLICE("the client did not wait for the answer"));
    TRACE_EMIT(engine->trace, now, mid_finished, .mid = m->env->mid, .result = SLICE("aborted"));
}

/* The one place that decides what a message does next; runs when something came home. */
static void step(struct spool_message *m)
{
    if (m->is_busy || m->is_submitted)
        return;
    bool is_over = m->is_aborted || m->result < 0;
    if (is_over && (m->writer != NULL || m->is_stored)) {
        give_work(m, work_discard);
        return;
    }
    if (is_over && (m->is_aborted || m->is_finishing)) {
        if (!m->is_aborted)
            m->handler.done(m->handler.user, m->result);
        else if (m->is_finishing) /* the session left its end to us */
            tell_aborted(m);
        destroy(m);
        return;
    }
    if (is_over)
        buf_clear(&m->body, 0);
    bool has_chunk = buf_len(&m->body) >= LIMIT_BODY_CHUNK;
    if (!is_over && m->is_large && !m->is_stored &&
        (has_chunk || (m->is_finishing && (buf_len(&m->body) > 0 || m->writer == NULL)))) {
        struct buf filled = m->body;
        m->body = m->in_work;
        m->in_work = filled;
        give_work(m, work_write);
    } else if (!is_over && m->is_finishing && m->is_large && !m->is_stored) {
        give_work(m, work_finish);
    } else if (!is_over && m->is_finishing) {
        submit(m);
    }
    if (m->is_full && buf_len(&m->body) < LIMIT_BODY_CHUNK) {
        m->is_full = false;
        if (!m->is_aborted)
            m->handler.drained(m->handler.user);
    }
}

static bool acquire_for(struct spool_message *m, size_t len)
{
    while (m->acquired_bytes < len) {
        if (!body_memory_acquire(BUDGET_STEP_BYTES))
            return false;
        m->acquired_bytes += BUDGET_STEP_BYTES;
    }
    return true;
}

static bool spool_write(struct inbound_message *message, struct slice bytes)
{
    struct spool_message *m = CONTAINER_OF(message, struct spool_message, base);

    m->size_bytes += bytes.len;
    if (m->result < 0)
        return true; /* lost already: swallowed until the client ends it */
    if (!m->is_large) {
        size_t len = buf_len(&m->body) + bytes.len;
        if (len > LIMIT_BODY_IN_MEMORY || !acquire_for(m, len)) {
            m->is_large = true;
            body_memory_release(m->acquired_bytes);
            m->acquired_bytes = 0;
        }
    }
    (void)buf_append_slice(&m->body, bytes); /* no cap: bounded by the wait below */
    if (!m->is_large || buf_len(&m->body) < LIMIT_BODY_CHUNK)
        return true;
    if (!m->is_busy) {
        step(m);
        return true;
    }
    m->is_full = true;
    return false;
}

static void spool_finish(struct inbound_message *message, bool is_8bit)
{
    struct spool_message *m = CONTAINER_OF(message, struct spool_message, base);

    m->env->is_8bit = m->env->is_8bit || is_8bit;
    m->is_finishing = true;
    if (m->result < 0 && !m->is_busy && m->writer == NULL) {
        step_later(m);
        return;
    }
    step(m);
}

static void spool_abort(struct inbound_message *message)
{
    struct spool_message *m = CONTAINER_OF(message, struct spool_message, base);

    m->is_aborted = true;
    step(m);
}

static const struct inbound_message_ops spool_ops = {
    .write = spool_write,
    .finish = spool_finish,
    .abort = spool_abort,
};

static struct inbound_message *spool_open_message(struct inbound_sink *sink, struct loop *home,
                                                  struct envelope *env,
                                                  const struct inbound_message_handler *handler)
{
    struct spool_message *m = MEM_NEW(struct spool_message);

    m->base.ops = &spool_ops;
    m->handler = *handler;
    m->sink = CONTAINER_OF(sink, struct sink_spool, sink);
    m->home = home;
    m->env = env;
    buf_init(&m->body, 0);
    buf_init(&m->in_work, 0);
    buf_init(&m->head, ENVELOPE_BYTES_MAX);
    list_init(&m->letter.node);
    list_init(&m->job.node);
    return &m->base;
}

void sink_spool_init(struct sink_spool *sink, struct spool *spool, struct work_pool *workers,
                     struct delivery *delivery)
{
    sink->sink.open = spool_open_message;
    sink->spool = spool;
    sink->workers = workers;
    sink->delivery = delivery;
}
