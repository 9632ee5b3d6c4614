/* The next hops of a flow test: what stands at the other end of each connection a delivery makes.
 *
 * 192.0.2.2 is the first hop, 192.0.2.3 the second, and so on; each has a plan that a test may
 * change at any time. A connection is a script of replies, and keeps what it was sent. */
#ifndef POSTERN_TESTS_FLOW_NEXT_HOP_H
#define POSTERN_TESTS_FLOW_NEXT_HOP_H

#include "gateway.h"
#include "net/conn.h"
#include "net/tcp.h"

enum { NEXT_HOPS_MAX = 4, NEXT_HOPS_MADE_MAX = 64, NEXT_HOP_FIRST = 2 };

enum next_hop_manner {
    NEXT_HOP_ANSWERS,
    NEXT_HOP_REFUSES,     /* connection refused */
    NEXT_HOP_UNREACHABLE, /* no answer to the SYN */
};

enum next_hop_verb {
    NEXT_HOP_GREETING,
    NEXT_HOP_EHLO,
    NEXT_HOP_HELO,
    NEXT_HOP_STARTTLS,
    NEXT_HOP_MAIL,
    NEXT_HOP_RCPT,
    NEXT_HOP_DATA,
    NEXT_HOP_DOT, /* the end of the text */
    NEXT_HOP_RSET,
    NEXT_HOP_QUIT,
    NEXT_HOP_VERBS
};

/* A reply: the connection is closed instead. */
#define NEXT_HOP_HANGS_UP "!"

struct next_hop_plan {
    enum next_hop_manner manner;
    const char *replies[NEXT_HOP_VERBS]; /* NULL: the usual yes; empty: silence */
    struct tls_server *tls;              /* offers STARTTLS; NULL: does not, and says 502 */
    bool is_deaf;                        /* after the 220 to STARTTLS it does nothing at all */
    const char *refused;                 /* RCPT with this in its line gets 550; NULL: none */
    const char *deferred;                /* the same with 451 */
    size_t takes; /* after its 354 it reads so much, then waits for pair_set_window; 0: all */
};

/* One connection. */
struct next_hop {
    struct pair *pair;
    const struct next_hop_plan *plan;
    struct loop *loop;
    struct tcp_target target;
    uint64_t made_ms;
    struct letter up; /* tells the gateway that it is connected, or not */
    struct loop_timer no_answer;
    struct buf line, got; /* got: all that came */
    bool is_tls;          /* the handshake is done */
    size_t messages;      /* whole ones that it took */
    bool is_busy;         /* between MAIL and the end of the text */
    bool is_in_data, is_deaf, is_closed;
};

extern struct next_hop_plan next_hop_plans[NEXT_HOPS_MAX];
extern struct next_hop next_hops[NEXT_HOPS_MADE_MAX];
extern size_t next_hop_count; /* connections so far */

/* All plans say yes to everything. G's deliveries connect here. */
void next_hops_init(struct gateway *g);
/* Stops G's delivery and closes every connection; before gateway_finish. */
void next_hops_finish(struct gateway *g);
void next_hop_say(struct next_hop *hop, const char *bytes);
const char *next_hop_got(struct next_hop *hop);

#endif
