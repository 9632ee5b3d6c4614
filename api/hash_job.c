/* See hash_job.h. */
#include "api/hash_job.h"

#include "api/api_priv.h"
#include "api/call_priv.h"
#include "control/control.h"

static char *take_secret(struct api_call *call, const char *key)
{
    const char *text = call_text(call, key, true, PASSWORD_MAX);

    if (text == NULL)
        return NULL;
    char *copy = mem_strdup(text);
    /* Jansson's copy, which nobody reads any more. */
    mem_wipe((void *)(uintptr_t)text, strlen(text));
    return copy;
}

struct hash_job *hash_job_create(struct api_call *call, const char *key,
                                 void (*then)(struct hash_job *job))
{
    char *password = take_secret(call, key);

    if (password == NULL)
        return NULL;
    struct hash_job *job = MEM_NEW(struct hash_job);
    *job = (struct hash_job){.call = call, .then = then, .password = password};
    return job;
}

static void forget_password(struct hash_job *job)
{
    if (job->password == NULL)
        return;
    mem_wipe(job->password, strlen(job->password));
    free(job->password);
    job->password = NULL;
}

bool hash_job_take(struct hash_job *job, const char *key)
{
    forget_password(job);
    job->password = take_secret(job->call, key);
    if (job->password != NULL)
        return true;
    hash_job_end(job);
    return false;
}

void hash_job_end(struct hash_job *job)
{
    forget_password(job);
    mem_wipe(job->hash, sizeof job->hash);
    free(job);
}

static void go_on(void *owner)
{
    struct hash_job *job = owner;

    job->then(job);
}

static void back_on_main(struct letter *letter)
{
    struct hash_job *job = CONTAINER_OF(letter, struct hash_job, letter);

    if (job->status == 0) {
        audit_run(job->call, go_on, job);
        return;
    }
    problem_failed(job->call, &job->error);
    hash_job_end(job);
}

static void work(struct work_job *work_job)
{
    struct hash_job *job = CONTAINER_OF(work_job, struct hash_job, work);
    const struct api_settings *settings = &job->call->api->settings;

    if (job->is_verify)
        job->is_right = password_verify(slice_str(job->password), job->has_hash ? job->hash : NULL);
    else
        job->status =
            password_hash(slice_str(job->password), settings->clock, job->hash, &job->error);
    bool is_posted = mailbox_post(settings->main, &job->letter);
    ASSERT(is_posted); /* main's box stays open until the workers ended */
}

bool hash_job_start(struct hash_job *job)
{
    job->work.run = work;
    job->letter.run = back_on_main;
    if (work_submit(job->call->api->settings.control->workers, &job->work) == 0)
        return true;
    problem(job->call, 503, "unavailable", "too much to do at the moment; try again in a second");
    hash_job_end(job);
    return false;
}
