/* The Recipient Access Table of one public listener: recipient address -> accept or reject.
 *
 * Entries are asked in order; the first that qualifies wins, be it more or less specific than a
 * later one. An entry is
 *     user@example.test   that mailbox: the domain without case, the local part octet by octet
 *                         (RFC 5321 2.4: a relay may not assume that case means nothing), except
 *                         postmaster, which has no case anywhere (RFC 5321 4.5.1). A quoted local
 *                         part equals the same one without needless quoting (RFC 5321 4.1.2)
 *     example.test        that domain, not what is below it
 *     .example.test       everything below it, not itself
 *     ALL                 every recipient
 * An address literal is no domain: `user@[192.0.2.1]` is named whole, in any spelling of the
 * address, or by ALL.
 *
 * Compiled into one hash table with the first entry of each key, so that a look-up costs one probe
 * for each label of the domain, whatever the number of entries.
 *
 * Owner: whoever called rat_create. Immutable: any thread may ask it. It borrows the configuration,
 * which must be sealed and outlive it, and so do its answers. It never logs, blocks or calls back.
 *
 * Listeners that are not public have no RAT: they do not ask. A policy whose action is relay skips
 * it too; both are the caller's business. */
#ifndef POSTERN_POLICY_RAT_H
#define POSTERN_POLICY_RAT_H

#include "config/config.h"

struct rat;

/* Compiles the RAT of the listener of that name, O(n). Without entries, or with an unknown name,
 * it matches nothing. Never NULL. */
struct rat *rat_create(const struct config *config, struct slice listener) MUST_CHECK;
/* NULL is allowed. */
void rat_destroy(struct rat *rat);

/* The first qualifying entry, in order; its action says accept or reject. NULL: none, to be
 * rejected. ADDRESS is local-part@domain without brackets as mailaddr_parse accepts it; the bare
 * `Postmaster` qualifies for ALL only, see rat_accepts. NULL for what is no address. */
const struct cfg_rat_entry *rat_find(const struct rat *rat, struct slice address);

/* Whether a recipient is taken. *ret_entry is always written: the entry that decided, or NULL when
 * none did: then reject with the usual 550 (false) or accept by standard (true).
 *
 * The bare `Postmaster` (any case, no domain) is accepted by every listener, whatever the RAT says:
 * RFC 5321 4.5.1 demands it of every server that relays or delivers. postmaster@domain is accepted
 * as the RAT says, like any other address of that domain. Text that is no address is refused. */
bool rat_accepts(const struct rat *rat, struct slice address,
                 const struct cfg_rat_entry **ret_entry) MUST_CHECK;

#endif
