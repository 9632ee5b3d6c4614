/* The door to how the gateway is: version, uptime, counters, readiness, certificates' ends.
 *
 * Nothing here waits: each look at the readiness asks every loop to answer, and a loop counts as
 * alive unless the answer to an earlier look is missing for STATS_CTL_LOOP_MS. Owner thread: main.
 */
#ifndef POSTERN_CONTROL_STATS_CTL_H
#define POSTERN_CONTROL_STATS_CTL_H

#include "base/err.h"
#include "base/mem.h"
#include "queue/view.h"
#include "trace/metrics.h"

struct config;
struct engine;
struct stats_ctl;

enum { STATS_CTL_LOOP_MS = 2000 };

/* ENGINE is borrowed, VERSION too (a literal). The uptime counts from here. */
struct stats_ctl *stats_ctl_create(struct engine *engine, const char *version) MUST_CHECK;
/* After the loops ended. NULL is allowed. */
void stats_ctl_destroy(struct stats_ctl *ctl);

const char *stats_ctl_version(const struct stats_ctl *ctl);

enum stats_spool_state {
    STATS_SPOOL_STATE_ACCEPTING,
    STATS_SPOOL_STATE_FULL,   /* no space: senders get 452 */
    STATS_SPOOL_STATE_FAILED, /* the disk failed: senders get 451 until a restart */
};

/* `accepting`, `full`, `failed`, as in JSON. */
const char *stats_spool_state_word(enum stats_spool_state state);

struct stats_readiness {
    bool is_ready; /* mail is taken and every loop is alive */
    enum stats_spool_state spool;
    size_t loops, loops_alive;
    bool is_ending; /* the process is going down */
};

void stats_ctl_readiness(struct stats_ctl *ctl, struct stats_readiness *ret_readiness);

struct stats_status {
    const char *version;
    int64_t started_wall_ms, now_wall_ms;
    uint64_t uptime_ms;
    uint64_t revision; /* of the running configuration */
    struct stats_readiness readiness;
    struct metrics_snapshot counters;
};

/* RUNNING is borrowed for the call. */
void stats_ctl_status(struct stats_ctl *ctl, const struct config *running,
                      struct stats_status *ret_status);

/* One key pair of a certificate of the running configuration. */
struct stats_certificate {
    struct slice name;    /* the certificate object's */
    const char *key_type; /* `ecdsa`, `rsa` */
    struct slice subject; /* RFC 4514 form */
    struct slice issuer;
    bool is_self_signed;
    int64_t not_before_s, not_after_s; /* since 1970 */
    bool is_expired;
    /* Who shows it; none: unused. */
    struct slice *listeners;
    size_t listener_count;
    struct slice *interfaces; /* HTTPS */
    size_t interface_count;
    bool is_outbound; /* our client certificate */
};

struct stats_certificates {
    struct stats_certificate *items;
    size_t count;
};

/* Only the leaf of each chain counts. One that cannot be read is left out: a commit would not have
 * taken it. Copied into ARENA. */
void stats_ctl_certificates(struct stats_ctl *ctl, const struct config *running,
                            struct mem_arena *arena, struct stats_certificates *ret_certificates);

/* All of it as OpenMetrics text, appended to BUF; QUEUE is queue_ctl_summary's. */
void stats_ctl_metrics(struct stats_ctl *ctl, const struct config *running,
                       const struct queue_summary *queue, struct buf *buf);

#endif
