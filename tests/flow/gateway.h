/* A gateway in one process for the flow tests: fake clock, fake loops, fake names, the memory
 * spool, both logs in memory. A client is the other end of a pair of connections; nothing sleeps,
 * nothing touches a socket or a disk. */
#ifndef POSTERN_TESTS_FLOW_GATEWAY_H
#define POSTERN_TESTS_FLOW_GATEWAY_H

#include "engine/delivery.h"
#include "engine/inbound.h"
#include "engine/session.h"
#include "fake_loop.h"
#include "fake_resolver.h"
#include "pair.h"
#include "trace/trace.h"

enum { GATEWAY_LOOPS_MAX = 4 };

struct gateway {
    struct clock_fake clock;
    struct fake_loop loops[GATEWAY_LOOPS_MAX]; /* the first is home */
    size_t loop_count;
    struct fake_resolver *names;
    struct engine engine;
    struct snapshot *snapshot;
    struct delivery *delivery;
    struct inbound_shared *shared;
    struct list sessions;
    struct buf text, json; /* the logs */
};

struct client {
    struct gateway *gateway;
    struct pair *pair;
    struct buf got;
    bool is_closed;
};

/* CONFIG_JSON is a whole configuration. */
void gateway_init(struct gateway *g, const char *config_json);
/* With LOOP_COUNT loops, which take turns in one thread. */
void gateway_init_loops(struct gateway *g, const char *config_json, size_t loop_count);
void gateway_finish(struct gateway *g);
/* Everything that can happen now, the commits of the spool and the workers' jobs included. */
void gateway_settle(struct gateway *g);
/* The same without the commits: nothing becomes durable. */
void gateway_settle_without_disk(struct gateway *g);
/* The clock goes from deadline to deadline, settling at each. */
void gateway_wait(struct gateway *g, uint64_t for_ms);

bool gateway_logged(struct gateway *g, const char *part);
size_t gateway_count_logged(struct gateway *g, const char *part);
/* Fails the test with the whole log. */
void gateway_assert_logged(struct gateway *g, const char *part);
/* PARTS, up to a NULL, stand in the log in this order. */
void gateway_assert_logged_in_order(struct gateway *g, const char *const *parts);
void gateway_assert_json(struct gateway *g, const char *part);
/* Fails the test unless PART is in TEXT. */
void assert_has(const char *text, const char *part);

/* Connects to the listener LISTENER from 192.0.2.2. */
void client_connect(struct client *c, struct gateway *g, const char *listener);
/* Sends and settles; what came back since the last call, valid until the next. */
const char *client_say(struct client *c, const char *bytes);
/* The same without commits. */
const char *client_say_without_disk(struct client *c, const char *bytes);
const char *client_hear(struct client *c);
/* Hangs up; takes a minute of the clock. */
void client_finish(struct client *c);
/* The same at once. */
void client_abort(struct client *c);

/* A message of SENDER to RECIPIENT through LISTENER, accepted, in no time. TEXT has no final dot.
 */
void gateway_send(struct gateway *g, const char *listener, const char *sender,
                  const char *recipient, const char *text);

#endif
