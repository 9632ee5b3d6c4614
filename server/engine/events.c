/* See events.h. A reply of several lines is one text with \n between them here, and a list there.
 */
#include "engine/events.h"

#include "trace/trace.h"

enum { REPLY_LINES_MAX = 16 };

static struct trace_lines split_lines(struct slice text, struct slice lines[REPLY_LINES_MAX])
{
    size_t count = 0;

    while (count < REPLY_LINES_MAX && (text.len > 0 || count == 0))
        lines[count++] = slice_cut(&text, '\n');
    return (struct trace_lines){.items = lines, .count = count};
}

void events_job_done(struct engine *engine, const struct link *link)
{
    const struct queue_job *job = &link->job;
    int64_t now = clock_wall_ms(engine->clock);
    uint16_t *rids = mem_array(job->rid_count, sizeof *rids);
    size_t count = 0;
    const struct outcome_result *taken = NULL;

    for (size_t i = 0; i < job->rid_count; i++) {
        const struct outcome_result *result = &link->results[i];
        if (result->stage != OUTCOME_STAGE_END || result->code / 100 != 2)
            continue;
        rids[count++] = job->rids[i];
        taken = result; /* one answer for all of them */
    }
    if (count > 0) {
        const struct trace_rids list = {.items = rids, .count = count};
        char *said = outcome_said(taken->enhanced, taken->text);
        TRACE_EMIT(engine->trace, now, message_done, .dcid = link->dcid, .mid = job->mid,
                   .rids = list);
        TRACE_EMIT(engine->trace, now, rid_response, .mid = job->mid, .rids = list,
                   .response = slice_str(said));
        free(said);
    }
    free(rids);
}

void events_delayed(struct engine *engine, uint64_t dcid, const struct queue_action *action)
{
    struct slice lines[REPLY_LINES_MAX];

    TRACE_EMIT(
        engine->trace, clock_wall_ms(engine->clock), delayed, .dcid = dcid, .mid = action->mid,
        .from = slice_str(action->sender), .to = slice_str(action->rcpt), .rid = action->rid,
        .enhanced = slice_str(action->enhanced), .class_text = slice_str(action->text),
        .code = action->code >= 200 ? (uint64_t)action->code : 0,
        .lines = split_lines(slice_str(action->remote_text), lines), .delay_ms = action->delay_ms);
}

void events_bounced(struct engine *engine, uint64_t dcid, const struct queue_action *action)
{
    struct slice lines[REPLY_LINES_MAX];
    struct trace_lines list = split_lines(slice_str(action->remote_text), lines);
    int64_t now = clock_wall_ms(engine->clock);
    uint64_t code = action->code >= 200 ? (uint64_t)action->code : 0;

    if (action->is_double_bounce)
        TRACE_EMIT(engine->trace, now, double_bounce, .mid = action->mid, .rid = action->rid,
                   .enhanced = slice_str(action->enhanced), .class_text = slice_str(action->text),
                   .code = code, .lines = list);
    else
        TRACE_EMIT(engine->trace, now, bounced, .dcid = dcid, .mid = action->mid,
                   .from = slice_str(action->sender), .to = slice_str(action->rcpt),
                   .rid = action->rid, .enhanced = slice_str(action->enhanced),
                   .class_text = slice_str(action->text), .code = code, .lines = list);
}

void events_message_finished(struct engine *engine, uint64_t mid, const char *how)
{
    TRACE_EMIT(engine->trace, clock_wall_ms(engine->clock), mid_finished, .mid = mid,
               .result = slice_str(how));
}

void events_bounce_report(struct engine *engine, uint64_t original_mid, const struct envelope *env)
{
    int64_t now = clock_wall_ms(engine->clock);

    TRACE_EMIT(engine->trace, now, mid_bounce_of, .mid = env->mid, .original = original_mid);
    TRACE_EMIT(engine->trace, now, mid_start, .mid = env->mid, .icid = 0);
    TRACE_EMIT(engine->trace, now, mid_from, .mid = env->mid, .icid = 0,
               .from = envelope_sender(env));
    for (uint16_t i = 0; i < env->rcpt_count; i++)
        TRACE_EMIT(engine->trace, now, mid_rid_to, .mid = env->mid, .icid = 0, .rid = i,
                   .to = envelope_rcpt_address(&env->rcpts[i]));
    TRACE_EMIT(engine->trace, now, mid_ready, .mid = env->mid, .bytes = env->size_bytes,
               .from = envelope_sender(env));
    TRACE_EMIT(engine->trace, now, mid_queued, .mid = env->mid);
}
