/* For tests of control/: an engine with one real loop thread, real workers and a real spool in a
 * directory of its own; deliveries are stopped, so that what is queued stays and nothing depends on
 * time or a network. */
#ifndef POSTERN_TESTS_UNIT_CONTROL_HELP_H
#define POSTERN_TESTS_UNIT_CONTROL_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/work.h"
#include "engine/activate.h"
#include "net/loop.h"
#include "spool_help.h"
#include "trace/trace.h"

#define CONTROL_CONFIG                                                                             \
    "{\"system\": {\"hostname\": \"mail.example.test\"},"                                          \
    " \"interfaces\": [{\"name\": \"If\", \"address\": \"192.0.2.1\","                             \
    "                  \"hostname\": \"mail.example.test\"}],"                                     \
    " \"bounce-profiles\": [{\"name\": \"Default\"}],"                                             \
    " \"destination-controls\": [{\"domain\": \"Default\", \"tls\": \"none\","                     \
    "  \"max_connections\": 10, \"max_messages_per_connection\": 10, \"bounce_profile\": "         \
    "\"Default\"}]}"

struct control_gateway {
    struct engine engine;
    struct config *config;
    struct snapshot *snapshot;
    struct delivery *delivery;
    char *dir;
    struct help_box box;
    struct help_live live;
    struct buf text, json; /* the logs: to be read after a call to the loop only */
};

static inline void control_no_op(void *arg)
{
    (void)arg;
}

/* Whatever was posted to the loop so far has run. */
static inline void control_settle(struct control_gateway *g)
{
    for (size_t i = 0; i < 4; i++)
        assert_true(activate_call(g->engine.loops[0], control_no_op, NULL));
}

static inline void control_init(struct control_gateway *g)
{
    struct config_errors errors;
    struct error error = {.text = ""};

    *g = (struct control_gateway){.dir = help_spool_dir_make()};
    g->engine.clock = clock_system();
    buf_init(&g->text, 0);
    buf_init(&g->json, 0);
    g->engine.trace = trace_create_memory(&g->text, &g->json);
    help_box_init(&g->box);
    g->engine.spool = help_open(g->dir, 0, &g->live);
    g->engine.workers = work_pool_create(2, 16);
    assert_int_equal(loop_create(g->engine.clock, &g->engine.loops[0], &error), 0);
    g->engine.loop_count = 1;
    config_errors_init(&errors);
    g->config = config_load(SLICE(CONTROL_CONFIG), &errors);
    if (g->config == NULL)
        fail_msg("%s: %s", errors.items[0].pointer, errors.items[0].text);
    assert_true(snapshot_create(g->config, "/nonexistent", &g->snapshot, &errors));
    config_errors_finish(&errors);
    g->delivery = delivery_create(&g->engine, g->snapshot);
    assert_int_equal(loop_start_thread(g->engine.loops[0], "loop-1", &error), 0);
    delivery_stop(g->delivery);
}

/* The loop ends; doors are shut from here on. */
static inline void control_stop(struct control_gateway *g)
{
    atomic_store(&g->engine.is_ending, true);
    work_pool_destroy(g->engine.workers);
    spool_close(g->engine.spool);
    loop_stop(g->engine.loops[0]);
    loop_join(g->engine.loops[0]);
}

static inline void control_finish(struct control_gateway *g)
{
    delivery_destroy(g->delivery);
    loop_destroy(g->engine.loops[0]);
    snapshot_unref(g->snapshot);
    config_unref(g->config);
    trace_destroy(g->engine.trace);
    buf_finish(&g->text);
    buf_finish(&g->json);
    help_box_finish(&g->box);
    help_live_finish(&g->live);
    help_spool_dir_remove(g->dir);
}

/* A durable message to RCPTS (blanks between) into the queue. */
static inline void control_add(struct control_gateway *g, uint64_t mid, const char *rcpts)
{
    struct help_request r;
    struct slice rest = slice_str(rcpts);
    struct envelope *env =
        envelope_create(mid, SLICE("s@example.org"), clock_wall_ms(g->engine.clock));

    while (rest.len > 0)
        ASSERT(envelope_rcpt_add(env, slice_cut(&rest, ' ')));
    env->size_bytes = 4;
    help_init(&r, &g->box, SPOOL_KIND_MESSAGE, mid);
    ASSERT(envelope_encode(env, &r.head));
    r.request.head = buf_slice(&r.head);
    r.request.body = SLICE("body");
    assert_int_equal(help_do(g->engine.spool, &r), 0);
    delivery_add(g->delivery, env, &r.request.location, NULL);
    control_settle(g);
}

#endif
