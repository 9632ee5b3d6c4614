/* The message of one job on its way to the peer.
 *
 * A body in memory is given piece by piece as the output drains. One that is on disk is read by a
 * worker, a chunk at a time; the connection may end meanwhile, so the worker holds a reference of
 * its own to the body, and the connection's memory stays until it came back. The peer may also end
 * the message while the worker reads: what comes back then is thrown away, never taken for a piece
 * of the message after it. */
#include "engine/outbound_priv.h"

#include "base/limits.h"
#include "base/mem.h"

void outbound_message_start(struct outbound *o)
{
    struct link *link = o->link;
    const struct queue_job *job = &link->job;
    struct slice *recipients = mem_arena_alloc(&link->arena, job->rid_count * sizeof *recipients);

    for (size_t i = 0; i < job->rid_count; i++)
        recipients[i] = envelope_rcpt_address(&job->env->rcpts[job->rids[i]]);
    const struct smtp_client_tx tx = {
        .sender = job->sender,
        .recipients = recipients,
        .recipient_count = job->rid_count,
        .size = job->env->size_bytes,
        .has_8bit = job->env->is_8bit,
    };
    o->is_ready = false;
    o->body_offset = 0;
    o->wants_read = false;
    o->sent_messages++;
    OUTBOUND_EMIT(o, delivery_start, .dcid = o->dcid, .mid = job->mid,
                  .rids = {.items = job->rids, .count = job->rid_count});
    smtp_client_send(o->smtp, &tx, loop_now_ms(o->loop));
}

static void give_piece(struct outbound *o, struct slice piece)
{
    o->body_offset += piece.len;
    bool is_last = o->body_offset >= body_size(o->link->job.body);
    smtp_client_body(o->smtp, piece, is_last, loop_now_ms(o->loop));
}

static void work_read(struct work_job *job)
{
    struct outbound *o = CONTAINER_OF(job, struct outbound, read);

    o->chunk_len = body_read(o->read_body, o->read_offset, o->chunk, LIMIT_BODY_CHUNK, NULL);
    bool is_posted = loop_post(o->loop, &o->read_done);
    (void)is_posted; /* else the process ends, and the message stays queued */
}

static void fail_locally(struct outbound *o, const char *text)
{
    const struct outcome_result result = {
        .stage = OUTCOME_STAGE_LOCAL,
        .code = OUTCOME_EVENT_ERROR,
        .text = slice_str(text),
    };

    /* The message cannot be ended in order: only closing keeps the peer from taking half of it. */
    o->is_closing = true;
    outbound_report_message(o, &result);
    conn_abort(o->conn);
}

static void run_read_done(struct letter *letter)
{
    struct outbound *o = CONTAINER_OF(letter, struct outbound, read_done);

    o->is_reading = false;
    body_unref(o->read_body);
    o->read_body = NULL;
    if (o->link == NULL) {
        outbound_finish(o);
        return;
    }
    bool is_stale = o->is_read_stale, wants_read = o->wants_read;
    o->is_read_stale = o->wants_read = false;
    if (!o->has_job || o->is_closing)
        return;
    if (is_stale) {
        if (wants_read)
            outbound_message_want(o);
        outbound_pump(o);
        return;
    }
    if (o->chunk_len <= 0) {
        fail_locally(o, "the message could not be read from the spool");
        return;
    }
    give_piece(o, slice_of(o->chunk, (size_t)o->chunk_len));
    outbound_pump(o);
}

void outbound_message_want(struct outbound *o)
{
    struct body *body = o->link->job.body;
    struct slice memory = body_memory(body);

    if (memory.p != NULL) {
        size_t rest = memory.len - (size_t)o->body_offset;
        give_piece(o, slice_of(memory.p + o->body_offset,
                               rest < LIMIT_BODY_CHUNK ? rest : LIMIT_BODY_CHUNK));
        return;
    }
    if (o->is_reading) {
        o->wants_read = true;
        return;
    }
    if (o->chunk == NULL)
        o->chunk = mem_alloc(LIMIT_BODY_CHUNK);
    o->read.run = work_read;
    o->read_done.run = run_read_done;
    o->read_body = body_ref(body);
    o->read_offset = o->body_offset;
    o->is_reading = true;
    if (atomic_load(&o->engine->is_ending) || work_submit(o->engine->workers, &o->read) < 0) {
        o->is_reading = false;
        body_unref(o->read_body);
        o->read_body = NULL;
        fail_locally(o, "too many bodies are being read");
    }
}
