/* See log_ctl.h. A search belongs to the worker from log_ctl_search until its letter is in the box.
 */
#include "control/log_ctl.h"

#include <stdatomic.h>

#include "engine/engine.h"
#include "trace/parse.h"

struct log_ctl {
    struct engine *engine;
    char *dir;
    _Atomic unsigned running; /* searches submitted and not over */
};

struct log_ctl *log_ctl_create(struct engine *engine, const char *log_dir)
{
    struct log_ctl *ctl = MEM_NEW(struct log_ctl);

    ctl->engine = engine;
    ctl->dir = mem_strdup(log_dir);
    atomic_init(&ctl->running, 0);
    return ctl;
}

void log_ctl_destroy(struct log_ctl *ctl)
{
    if (ctl == NULL)
        return;
    free(ctl->dir);
    free(ctl);
}

static void run(struct work_job *job)
{
    struct log_ctl_search *search = CONTAINER_OF(job, struct log_ctl_search, job);
    struct log_ctl *ctl = search->ctl;

    search->status = search_run(ctl->dir, "mail_json", ctl->engine->clock, &search->query,
                                &search->result, &search->error);
    atomic_fetch_sub(&ctl->running, 1);
    bool is_posted = mailbox_post(search->box, &search->letter);
    ASSERT(is_posted); /* the box stays open until the workers ended */
}

int log_ctl_search(struct log_ctl *ctl, struct log_ctl_search *search)
{
    if (atomic_load(&ctl->engine->is_ending))
        return ERR_CLOSED;
    if (atomic_fetch_add(&ctl->running, 1) >= LOG_CTL_SEARCHES_MAX) {
        atomic_fetch_sub(&ctl->running, 1);
        return ERR_BUSY;
    }
    search->ctl = ctl;
    search->status = 0;
    search->job.run = run;
    list_init(&search->job.node);
    list_init(&search->letter.node);
    int r = work_submit(ctl->engine->workers, &search->job);
    if (r < 0) {
        atomic_fetch_sub(&ctl->running, 1);
        return ERR_BUSY;
    }
    return 0;
}

void log_ctl_text(struct slice line, struct buf *buf)
{
    struct trace_record *record = trace_parse_json(line);

    if (record == NULL)
        return;
    trace_render_words(record, buf);
    trace_record_destroy(record);
}
