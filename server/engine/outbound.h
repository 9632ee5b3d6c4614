/* One delivery connection: takes jobs from its link, one message at a time, until nobody has more.
 *
 * Runs on link->loop. Tries the link's hops in order; STARTTLS as link->tls says, chain and name
 * always evaluated. After the last job it stays open for OUTBOUND_IDLE_MS, then says QUIT. */
#ifndef POSTERN_ENGINE_OUTBOUND_H
#define POSTERN_ENGINE_OUTBOUND_H

#include "engine/link.h"

enum { OUTBOUND_IDLE_MS = 5000 };

/* The `run` letter of a link: takes link->job, or ends the connection when it wants_quit. */
void outbound_run(struct letter *letter);
/* NODE of delivery_outbounds: closed now, its job goes back. IS_ONLY_UNREADY: unless it is past
 * EHLO and TLS. */
void outbound_abort(struct list *node, bool is_only_unready);

#endif
