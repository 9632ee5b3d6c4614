/* See config_ctl.h. */
#include "control/config_ctl.h"

#include <unistd.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "policy/hat.h"
#include "policy/rat.h"
#include "trace/trace.h"

struct config_ctl {
    struct engine *engine;
    struct commit *commit;
};

struct config_ctl *config_ctl_create(struct engine *engine, struct commit *commit)
{
    struct config_ctl *ctl = MEM_NEW(struct config_ctl);

    *ctl = (struct config_ctl){.engine = engine, .commit = commit};
    return ctl;
}

void config_ctl_destroy(struct config_ctl *ctl)
{
    free(ctl);
}

const struct config *config_ctl_running(const struct config_ctl *ctl)
{
    return ctl->commit->running;
}

struct store *config_ctl_store(struct config_ctl *ctl)
{
    return ctl->commit->store;
}

int config_ctl_commit(struct config_ctl *ctl, struct config *candidate, const char *author,
                      const char *comment, const char *draft, struct config_errors *errors,
                      uint64_t *ret_took_ms)
{
    uint64_t began_ms = clock_mono_ms(ctl->engine->clock);
    uint64_t before = ctl->commit->running->revision;

    int r = config_commit(ctl->commit, candidate, author, comment, draft, errors);
    if (r < 0)
        return r;
    *ret_took_ms = clock_mono_ms(ctl->engine->clock) - began_ms;
    if (candidate->revision != before)
        TRACE_EMIT(ctl->engine->trace, clock_wall_ms(ctl->engine->clock), config_commit,
                   .pid = (uint64_t)getpid(), .user = slice_str(author),
                   .comment = slice_str(comment), .revision = candidate->revision);
    return 0;
}

struct config_ctl_hat config_ctl_test_hat(const struct config *config, struct slice listener,
                                          const struct ip *ip)
{
    struct config_ctl_hat answer = {0};
    struct hat *hat = hat_create(config, listener);
    struct hat_match match;

    answer.is_found = hat_find(hat, ip, &match);
    if (answer.is_found) {
        answer.group = match.group->name;
        answer.pattern = match.pattern;
        answer.policy = match.policy->name;
        answer.action = slice_str(cfg_policy_action_word(match.policy->action));
        answer.tls = slice_str(cfg_policy_tls_word(match.policy->tls));
    }
    hat_destroy(hat);
    return answer;
}

struct config_ctl_rat config_ctl_test_rat(const struct config *config, struct slice listener,
                                          struct slice recipient)
{
    struct config_ctl_rat answer = {0};
    struct rat *rat = rat_create(config, listener);
    const struct cfg_rat_entry *entry;

    answer.is_accepted = rat_accepts(rat, recipient, &entry);
    answer.entry = entry == NULL ? SLICE("") : entry->recipient.text;
    rat_destroy(rat);
    return answer;
}
