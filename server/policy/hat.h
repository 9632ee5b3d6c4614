/* The Host Access Table of one listener: client address -> sender group and mail flow policy.
 *
 * The groups of a listener are asked in order, and so are the senders of a group: the first entry
 * that holds the address wins, be it more or less specific than a later one. What is asked for each
 * connection is a compiled form: the whole address space cut into ranges, each with the entry that
 * wins there, so that a decision is one binary search however many entries and prefix lengths there
 * are. Entries that can never win leave no trace in it.
 *
 * Owner: whoever called hat_create. The object is immutable: any thread may ask it. It borrows the
 * configuration, which must be sealed and outlive it, and so do its answers.
 * It never logs, blocks or calls back. */
#ifndef POSTERN_POLICY_HAT_H
#define POSTERN_POLICY_HAT_H

#include "config/config.h"

struct hat;

/* Why a connection gets what it gets. Everything is the configuration's. */
struct hat_match {
    const struct cfg_sender_group *group;
    struct slice pattern; /* the sender entry that matched: 192.0.2.0/24, 192.0.2.1, ALL */
    const struct cfg_mail_flow_policy *policy;
};

/* Compiles the HAT of the listener of that name, O(n log n). A listener without sender groups, or
 * of an unknown name, gets a HAT that matches nobody. Never NULL. */
struct hat *hat_create(const struct config *config, struct slice listener) MUST_CHECK;
/* NULL is allowed. */
void hat_destroy(struct hat *hat);

/* The first matching sender group. False: no group holds this address, ret_match is not written;
 * a sealed configuration ends each HAT in ALL, but a caller must still refuse then. An IP of family
 * 0 (not known, a local socket) matches ALL only. IPv4-mapped addresses are IPv4 (base/ip.h). */
bool hat_find(const struct hat *hat, const struct ip *ip, struct hat_match *ret_match) MUST_CHECK;

#endif
