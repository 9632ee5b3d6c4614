/* What the files of route/ share: the keys under which a domain may be configured, most specific
 * first. `a.b.test` gives `a.b.test`, `.b.test`, `.test`; `[192.0.2.1]` gives itself only. What
 * stands for everything (Default, ALL) is the caller's last question. */
#ifndef POSTERN_ROUTE_ROUTE_PRIV_H
#define POSTERN_ROUTE_ROUTE_PRIV_H

#include "base/limits.h"
#include "base/slice.h"

struct route_keys {
    char text[LIMIT_SMTP_DOMAIN]; /* lower case: never equal to the words Default and ALL */
    struct slice key;             /* the present one; empty: no more */
};

/* KEY is the domain itself then; empty for what is longer than a domain can be. */
void route_keys_init(struct route_keys *keys, struct slice domain);
void route_keys_next(struct route_keys *keys);

#endif
