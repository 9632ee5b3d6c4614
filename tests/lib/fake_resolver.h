/* Names from a table: a resolver for tests, with delays on the fake clock. Unknown names are
 * NX_DOMAIN. */
#ifndef POSTERN_TESTS_FAKE_RESOLVER_H
#define POSTERN_TESTS_FAKE_RESOLVER_H

#include "net/loop.h"
#include "net/resolver.h"

struct fake_resolver;

struct fake_resolver *fake_resolver_create(struct loop *loop);
/* Also frees what was set. Questions under way are answered FAILED first. */
void fake_resolver_destroy(struct fake_resolver *fake);
struct resolver *fake_resolver_of(struct fake_resolver *fake);

/* The next questions of KIND for NAME (for REVERSE the text of the address) get a copy of ANSWER
 * after DELAY_MS; a delay of UINT64_MAX never answers, so that the deadline ends it. */
void fake_resolver_set(struct fake_resolver *fake, enum resolver_kind kind, const char *name,
                       const struct resolver_answer *answer, uint64_t delay_ms);
/* Shorthands: addresses and MX hosts as text separated by blanks (`10 mx1.example.test`). */
void fake_resolver_set_addresses(struct fake_resolver *fake, const char *host, const char *ips);
void fake_resolver_set_mx(struct fake_resolver *fake, const char *domain, const char *hosts);
void fake_resolver_set_reverse(struct fake_resolver *fake, const char *ip, const char *name,
                               bool is_verified);

#endif
