/* What a loop works with between two commits: the configuration and everything built from it.
 *
 * Built by main while a commit prepares (blocks: reads keys and trust lists), immutable afterwards,
 * counted atomically. Each loop holds one reference, each session and delivery another, so that a
 * commit never takes anything away from what is under way. */
#ifndef POSTERN_ENGINE_SNAPSHOT_H
#define POSTERN_ENGINE_SNAPSHOT_H

#include <stdatomic.h>

#include "config/config.h"
#include "net/tls.h"

struct hat;
struct rat;
struct served;

/* One listener, ready to serve. */
struct snapshot_listener {
    const struct cfg_listener *cfg;
    const struct cfg_interface *interface;
    struct tls_server *tls; /* NULL: STARTTLS is not offered */
    struct hat *hat;
    struct rat *rat;       /* NULL unless public */
    bool is_demonstration; /* it shows the demonstration certificate */
};

struct snapshot {
    const struct config *config;         /* a reference */
    struct snapshot_listener *listeners; /* one for each of config->listeners, same order */
    size_t listener_count;
    struct tls_client *tls_client; /* trust for outbound evaluation */
    _Atomic unsigned refs;
};

/* KEYS_DIR is where private keys are. False: it has added to ERRORS, each with the pointer of the
 * object that cannot be used. */
bool snapshot_create(const struct config *config, const char *keys_dir,
                     struct snapshot **ret_snapshot, struct config_errors *errors) MUST_CHECK;
/* The certificate at POSITION with its keys, for whoever serves it besides the listeners. NULL: it
 * has added to ERRORS. */
struct served *snapshot_load_certificate(const struct config *config, size_t position,
                                         const char *keys_dir, struct config_errors *errors);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
/* NULL when there is none of that name. */
const struct snapshot_listener *snapshot_find_listener(const struct snapshot *snapshot,
                                                       struct slice name);

#endif
