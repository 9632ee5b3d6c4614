/* What a resolver is made of, for those who answer: net/resolver_ub.c and the tests' fake.
 *
 * A question travels: made on HOME, posted to the owner's loop, `ask` there, resolver_answer_query
 * there, posted back, `done` on HOME. is_cancelled belongs to HOME alone, so no lock is needed.
 * Each question holds a reference of the resolver. */
#ifndef POSTERN_NET_RESOLVER_PRIV_H
#define POSTERN_NET_RESOLVER_PRIV_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/mailbox.h"
#include "net/loop.h"
#include "net/resolver.h"

struct resolver_ops {
    /* On the owner's loop; resolver_answer_query follows, at once or later. */
    void (*ask)(struct resolver *resolver, struct resolver_query *query);
    /* The last reference is gone; any thread. */
    void (*release)(struct resolver *resolver);
};

struct resolver {
    const struct resolver_ops *ops;
    struct loop *loop;
    _Atomic unsigned refs; /* the creator's and each question's */
};

struct resolver_query {
    struct letter letter;
    struct list node; /* the answerer's */
    struct resolver *resolver;
    struct loop *home;
    enum resolver_kind kind;
    char name[RESOLVER_NAME_MAX]; /* lower case, no trailing dot; for REVERSE the address as text */
    struct ip ip;                 /* for REVERSE */
    resolver_done_fn *done;
    void *ctx;
    bool is_cancelled;
    struct resolver_answer answer; /* a copy of its own */
};

void resolver_init(struct resolver *resolver, const struct resolver_ops *ops, struct loop *loop);
void resolver_unref(struct resolver *resolver);
/* Copies ANSWER, sends it home; QUERY is not touched after. */
void resolver_answer_query(struct resolver_query *query, const struct resolver_answer *answer);

void resolver_answer_copy(struct resolver_answer *to, const struct resolver_answer *from);
void resolver_answer_finish(struct resolver_answer *answer);
/* A failure in words. */
void resolver_answer_fail(struct resolver_answer *answer, enum resolver_status status,
                          const char *why);
uint64_t resolver_deadline_ms(enum resolver_kind kind);

#endif
