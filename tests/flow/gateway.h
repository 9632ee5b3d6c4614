/* A gateway in one process for the flow tests: fake clock, fake loop, fake names, the memory spool,
 * both logs in memory. A client is the other end of a pair of connections; nothing sleeps, nothing
 * touches a socket or a disk. */
#ifndef POSTERN_TESTS_FLOW_GATEWAY_H
#define POSTERN_TESTS_FLOW_GATEWAY_H

#include "engine/delivery.h"
#include "engine/inbound.h"
#include "engine/session.h"
#include "fake_loop.h"
#include "fake_resolver.h"
#include "pair.h"
#include "trace/trace.h"

struct gateway {
    struct clock_fake clock;
    struct fake_loop fake;
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
void gateway_finish(struct gateway *g);
/* Everything that can happen now, the commits of the spool and the workers' jobs included. */
void gateway_settle(struct gateway *g);
/* The same without the commits: nothing becomes durable. */
void gateway_settle_without_disk(struct gateway *g);
void gateway_wait(struct gateway *g, uint64_t for_ms);
bool gateway_logged(struct gateway *g, const char *part);

/* Connects to the listener LISTENER from 192.0.2.2. */
void client_connect(struct client *c, struct gateway *g, const char *listener);
/* Sends and settles; what came back since the last call, valid until the next. */
const char *client_say(struct client *c, const char *bytes);
/* The same without commits. */
const char *client_say_without_disk(struct client *c, const char *bytes);
const char *client_hear(struct client *c);
void client_finish(struct client *c);

#endif
