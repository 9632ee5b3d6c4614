/* The parts that every session and delivery needs, put together once by the composition root.
 * Everything is borrowed and outlives all of it. Read-only after start but for the counters. */
#ifndef POSTERN_ENGINE_ENGINE_H
#define POSTERN_ENGINE_ENGINE_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/idgen.h"

struct conn;
struct conn_handler;
struct delivery;
struct loop;
struct resolver;
struct spool;
struct tcp_target;
struct trace;
struct work_pool;

enum { ENGINE_LOOPS_MAX = 64 };

struct engine {
    const struct clock *clock;
    struct trace *trace;
    struct spool *spool;
    struct work_pool *workers;
    struct resolver *resolver; /* owned by loops[0] */
    struct loop *loops[ENGINE_LOOPS_MAX];
    size_t loop_count;
    struct idgen mids, icids, dcids;
    _Atomic bool is_ending; /* workers and spool are about to close: nobody gives them anything */
    /* How deliveries connect; NULL: tcp_connect, whose contract it keeps. For tests. */
    struct conn *(*connect)(struct loop *loop, const struct tcp_target *target,
                            const struct conn_handler *handler, void *user);
};

#endif
