/* Makes a configuration the running one: the hooks of config/commit.h.
 *
 *   prepare  build the snapshot (keys, trust, tables), probe and bind the sockets that are new
 *   abort    close them, drop the snapshot
 *   publish  every loop gets the snapshot and starts its new sockets; returns when all have
 *   drain    every loop lets go of the sockets that are no more
 *
 * Owner thread: main, which may block; the loops never do. */
#ifndef POSTERN_ENGINE_ACTIVATE_H
#define POSTERN_ENGINE_ACTIVATE_H

#include "config/commit.h"
#include "engine/delivery.h"
#include "engine/inbound.h"

enum { ACTIVATE_LISTENERS_MAX = INBOUND_LISTENERS_MAX };

/* One listening address and its sockets. */
struct activate_port {
    char name[64];
    struct ip ip;
    uint16_t port;
    int fds[ENGINE_LOOPS_MAX]; /* bound, not started: -1 once a loop has it */
    bool is_new, is_kept;
};

struct activate {
    struct engine *engine;
    char *keys_dir;
    struct inbound_shared *shared;
    struct delivery *delivery;                  /* made by the first publish */
    struct inbound *inbounds[ENGINE_LOOPS_MAX]; /* likewise */
    struct snapshot *prepared;
    unsigned reload; /* what the prepared one renews: enum cfg_reload */
    struct activate_port ports[ACTIVATE_LISTENERS_MAX * 2];
    size_t port_count;
    bool has_port_trouble; /* prepare failed at a socket: exit code 5 */
    bool has_key_trouble;  /* prepare failed at a key or certificate: exit code 6 */
};

void activate_init(struct activate *a, struct engine *engine, const char *keys_dir,
                   struct inbound_shared *shared);
void activate_hooks(struct activate *a, struct commit_hooks *ret_hooks);
/* Closes what prepare bound and nobody got. */
void activate_finish(struct activate *a);

/* Runs FN(ARG) on LOOP's thread and waits for it. False when the loop has stopped. */
bool activate_call(struct loop *loop, void (*fn)(void *arg), void *arg);
/* LETTER runs on LOOP's thread, nobody waits. False when the loop has stopped: it stays the
 * caller's. For control/, which knows no loops. */
bool activate_post(struct loop *loop, struct letter *letter) MUST_CHECK;

#endif
