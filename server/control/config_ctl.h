/* The door to the configuration for administrators: what runs, and the commit that changes it.
 *
 * Owner thread: main, which owns the store and the commit too. */
#ifndef POSTERN_CONTROL_CONFIG_CTL_H
#define POSTERN_CONTROL_CONFIG_CTL_H

#include "config/commit.h"

struct config_ctl;
struct engine;

/* All are borrowed and outlive it; COMMIT runs already. */
struct config_ctl *config_ctl_create(struct engine *engine, struct commit *commit) MUST_CHECK;
/* NULL is allowed. */
void config_ctl_destroy(struct config_ctl *ctl);

/* Until the next commit; who keeps it takes a reference. */
const struct config *config_ctl_running(const struct config_ctl *ctl);
struct store *config_ctl_store(struct config_ctl *ctl);

/* config_commit, and its line in the log. *RET_TOOK_MS: from the call to its being live on every
 * loop. */
int config_ctl_commit(struct config_ctl *ctl, struct config *candidate, const char *author,
                      const char *comment, const char *draft, struct config_errors *errors,
                      uint64_t *ret_took_ms) MUST_CHECK;

/* "Which sender group would match this address?", asked of CONFIG (sealed). */
struct config_ctl_hat {
    bool is_found;
    struct slice group, pattern, policy; /* the configuration's */
    struct slice action, tls;            /* words */
};
struct config_ctl_hat config_ctl_test_hat(const struct config *config, struct slice listener,
                                          const struct ip *ip);

/* "Would this recipient be taken?" */
struct config_ctl_rat {
    bool is_accepted;
    struct slice entry; /* empty: none decided */
};
struct config_ctl_rat config_ctl_test_rat(const struct config *config, struct slice listener,
                                          struct slice recipient);

#endif
