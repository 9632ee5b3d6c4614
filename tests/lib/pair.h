/* Two connections that are each other's peer, in one process on one fake loop: what one end writes
 * the other gets, in pieces of a chosen size, and any byte on the way can be looked at, held or
 * cut. Both ends are real struct conn with net/conn.c and net/tls.c on top. */
#ifndef POSTERN_TESTS_PAIR_H
#define POSTERN_TESTS_PAIR_H

#include "net/conn.h"
#include "net/loop.h"

struct pair;

/* The ends' handlers are set with conn_set_handler; a and b have 192.0.2.1:1025 and 192.0.2.2:25.
 */
struct pair *pair_create(struct loop *loop);
/* Both ends must have had on_closed. */
void pair_destroy(struct pair *pair);
struct conn *pair_a(struct pair *pair);
struct conn *pair_b(struct pair *pair);

/* Bytes arrive in pieces of at most SIZE from now on (0: as they were sent). */
void pair_set_piece(struct pair *pair, size_t size);
/* Bytes from END stop arriving after COUNT more, then the peer sees FIN (is_reset: a reset). */
void pair_cut_after(struct pair *pair, struct conn *end, size_t count, bool is_reset);
/* Nothing from END arrives until it is released. */
void pair_hold(struct pair *pair, struct conn *end, bool is_held);
/* END may put COUNT more bytes on the wire, then its output waits with it, as when the peer does
 * not read; SIZE_MAX: all. */
void pair_set_window(struct pair *pair, struct conn *end, size_t count);
/* Raw bytes to END's peer, around END's TLS: what a hostile network could send. */
void pair_inject(struct pair *pair, struct conn *end, struct slice bytes);
/* All bytes END put on the wire so far. */
size_t pair_sent_bytes(const struct pair *pair, const struct conn *end);

#endif
