/* Commit: see commit.h for the flow. Owner thread: main.
 *
 * The order is what makes "accepted, then failed" impossible: everything that can fail comes before
 * persist, persist is one transaction, and nothing after it can fail. */
#include "config/commit.h"

#include "config/config_priv.h"

void commit_init(struct commit *commit, struct store *store, const struct clock *clock,
                 const struct commit_hooks *hooks)
{
    *commit = (struct commit){.store = store, .clock = clock, .hooks = *hooks};
}

void commit_finish(struct commit *commit)
{
    if (commit == NULL)
        return;
    config_unref(commit->running);
    commit->running = NULL;
}

/* A hook that refuses must say why; a list without an error would read as success. */
static int refused(struct config_errors *errors, size_t before, const char *step)
{
    if (errors->count + errors->dropped == before)
        config_errors_add(errors, "", "commit.refused", "%s failed and gave no reason", step);
    return ERR_INVALID;
}

/* check and prepare. 0: prepared. */
static int make_ready(struct commit *commit, const struct config *candidate,
                      const struct config_diff *diff, struct config_errors *errors)
{
    const struct commit_hooks *hooks = &commit->hooks;
    size_t before = errors->count + errors->dropped;
    if (hooks->check != NULL && !hooks->check(hooks->owner, commit->running, candidate, errors))
        return refused(errors, before, "check");
    if (hooks->prepare != NULL &&
        !hooks->prepare(hooks->owner, commit->running, candidate, diff, errors))
        return refused(errors, before, "prepare");
    return 0;
}

static void go_live(struct commit *commit, const struct config *candidate)
{
    const struct commit_hooks *hooks = &commit->hooks;
    const struct config *old = commit->running;
    commit->running = config_ref(candidate);
    if (hooks->publish != NULL)
        hooks->publish(hooks->owner, old, candidate);
    if (hooks->drain != NULL)
        hooks->drain(hooks->owner, old, candidate);
    config_unref(old);
}

static int persist(struct commit *commit, struct config *candidate, const char *author,
                   const char *comment, const char *draft, struct config_errors *errors)
{
    struct store_revision revision = {.created_ms = clock_wall_ms(commit->clock)};
    struct error error;
    (void)snprintf(revision.author, sizeof(revision.author), "%.*s",
                   SLICE_ARGS(config_cut(slice_str(author), sizeof(revision.author) - 1)));
    (void)snprintf(revision.comment, sizeof(revision.comment), "%.*s",
                   SLICE_ARGS(config_cut(slice_str(comment), sizeof(revision.comment) - 1)));
    int r = store_save_revision(commit->store, candidate, draft, &revision, &error);
    if (r < 0) {
        config_errors_add(errors, "", "commit.not_stored", "%s", error.text);
        return r;
    }
    candidate->revision = revision.revision;
    return 0;
}

int config_commit(struct commit *commit, struct config *candidate, const char *author,
                  const char *comment, const char *draft, struct config_errors *errors)
{
    struct config_diff diff;
    if (!candidate->is_sealed && !config_validate(candidate, errors))
        return ERR_INVALID;
    config_diff(commit->running, candidate, &diff);
    int r = 0;
    if (commit->running != NULL && diff.count == 0) {
        candidate->revision = commit->running->revision;
        goto finish;
    }
    r = make_ready(commit, candidate, &diff, errors);
    if (r < 0)
        goto finish;
    r = persist(commit, candidate, author, comment, draft, errors);
    if (r < 0) {
        if (commit->hooks.abort != NULL)
            commit->hooks.abort(commit->hooks.owner, commit->running, candidate);
        goto finish;
    }
    go_live(commit, candidate);
finish:
    config_diff_finish(&diff);
    return r;
}

int config_commit_start(struct commit *commit, struct config_errors *errors)
{
    struct store_revision newest;
    struct error error;
    struct config *stored = NULL;
    struct config_diff diff;
    ASSERT(commit->running == NULL);
    int r = store_newest_revision(commit->store, &newest, &error);
    if (r == ERR_NOT_FOUND)
        return r;
    if (r == 0)
        r = store_load_revision(commit->store, newest.revision, errors, &stored, &error);
    if (r < 0) {
        config_errors_add(errors, "", "store.failed", "%s", error.text);
        return r == ERR_NOT_FOUND ? ERR_DB : r;
    }
    if (!config_validate(stored, errors)) {
        config_unref(stored);
        return ERR_INVALID;
    }
    config_diff(NULL, stored, &diff);
    r = make_ready(commit, stored, &diff, errors);
    config_diff_finish(&diff);
    if (r == 0)
        go_live(commit, stored);
    config_unref(stored);
    return r;
}
