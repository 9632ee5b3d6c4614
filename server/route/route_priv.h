/* What the files of route/ share: the keys under which a domain may be configured, most specific
 * first. `a.b.test` gives `a.b.test`, `.b.test`, `.test`; `[192.0.2.1]` gives itself only. What
 * stands for everything (Default, ALL) is the caller's last question.
 *
 * for (key = route_key_first(domain); key.len > 0; key = route_key_next(key)) */
#ifndef POSTERN_ROUTE_ROUTE_PRIV_H
#define POSTERN_ROUTE_ROUTE_PRIV_H

#include "base/slice.h"

/* The domain itself; empty for what is longer than a domain can be. Borrows from it. */
struct slice route_key_first(struct slice domain);
/* Empty: there is no more. */
struct slice route_key_next(struct slice key);

#endif
