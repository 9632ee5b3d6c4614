/* A gateway in one process for the flow tests: fake clock, fake loops, fake names, the memory
 * spool, both logs in memory. A client is the other end of a pair of connections; nothing sleeps,
 * nothing touches a socket or a disk, but for a private key in a directory of its own while a
 * snapshot is built. */
#ifndef POSTERN_TESTS_FLOW_GATEWAY_H
#define POSTERN_TESTS_FLOW_GATEWAY_H

#include "engine/delivery.h"
#include "engine/inbound.h"
#include "engine/session.h"
#include "fake_loop.h"
#include "fake_resolver.h"
#include "pair.h"
#include "tls_peer.h"
#include "trace/trace.h"

enum { GATEWAY_LOOPS_MAX = 4 };

/* Parts of a configuration: who the gateway is, and the HAT of a listener that gives POLICY to
 * clients (client_connect) and turns away the rest. */
#define CONFIG_SYSTEM                                                                              \
    "\"system\": {\"hostname\": \"mail.example.test\"},"                                           \
    "\"interfaces\": [{\"name\": \"If\", \"address\": \"192.0.2.1\","                              \
    "                \"hostname\": \"mail.example.test\"}]"
#define CONFIG_HAT(listener, policy)                                                               \
    "{\"listener\": \"" listener "\", \"name\": \"R\", \"policy\": \"" policy "\","                \
    " \"senders\": [{\"sender\": \"192.0.2.0/24\"}]},"                                             \
    "{\"listener\": \"" listener "\", \"name\": \"A\", \"policy\": \"Blocked\","                   \
    " \"senders\": [{\"sender\": \"ALL\"}]}"

struct gateway_settings {
    const char *config_json; /* a whole configuration */
    size_t loop_count;       /* they take turns in one thread; 0: one */
    /* The configuration gets a certificate for mail.example.test called Own, which is the gateway's
     * `identity` as well, and trusts it. */
    bool has_certificate;
};

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
    struct tls_peer *identity;
    struct gateway_job *jobs; /* of gateway_keep_workers; NULL: none */
    struct buf text, json;    /* the logs */
};

struct client {
    struct gateway *gateway;
    struct pair *pair;
    struct buf got;
    int tls_count; /* handshakes that ended */
    struct tls_result tls;
    bool is_closed;
};

void gateway_init(struct gateway *g, const struct gateway_settings *settings);
void gateway_finish(struct gateway *g);
/* Everything that can happen now, the commits of the spool and the workers' jobs included. */
void gateway_settle(struct gateway *g);
/* The same without the commits: nothing becomes durable. */
void gateway_settle_without_disk(struct gateway *g);
/* Everything that loop number I can do by itself; what it posts to others waits with them. */
void gateway_settle_loop(struct gateway *g, size_t i);
/* The clock goes from deadline to deadline, settling at each. */
void gateway_wait(struct gateway *g, uint64_t for_ms);

/* The worker is kept busy, so that jobs wait, until gateway_free_workers. IS_FULL: none is taken.
 */
void gateway_keep_workers(struct gateway *g, bool is_full);
/* No-op when they are free. Settles. */
void gateway_free_workers(struct gateway *g);

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
/* The same on loop number LOOP. */
void client_connect_on(struct client *c, struct gateway *g, const char *listener, size_t loop);
/* Sends and settles; what came back since the last call, valid until the next. */
const char *client_say(struct client *c, const char *bytes);
/* The same without commits. */
const char *client_say_without_disk(struct client *c, const char *bytes);
const char *client_hear(struct client *c);
/* Shakes hands as TLS_CLIENT, whose reference it takes over, and settles. */
void client_start_tls(struct client *c, struct tls_client *tls_client);
/* Hangs up; takes a minute of the clock. */
void client_finish(struct client *c);
/* The same at once. */
void client_abort(struct client *c);

/* A message of SENDER to RECIPIENT through LISTENER, accepted, in no time. TEXT has no final dot.
 */
void gateway_send(struct gateway *g, const char *listener, const char *sender,
                  const char *recipient, const char *text);

#endif
