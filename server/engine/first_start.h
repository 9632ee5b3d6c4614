/* The very first configuration of a state directory: the chosen set-up and a certificate of its
 * own.
 *
 * The set-up's listeners may refer to a certificate named `demonstration`; it is made here, for the
 * host name of the set-up, with its keys in the key store, and put into the candidate before the
 * ordinary commit makes revision 1. Blocks (RSA key): main, before the loops have anything to do.
 */
#ifndef POSTERN_ENGINE_FIRST_START_H
#define POSTERN_ENGINE_FIRST_START_H

#include "base/clock.h"
#include "config/config.h"

#define FIRST_START_CERTIFICATE "demonstration"

/* JSON is a whole configuration. *ret_candidate is not validated yet. ERR_INVALID: ERRORS says what
 * is wrong with it; else reterr: the certificate could not be made. */
int first_start_candidate(struct slice json, const char *keys_dir, const struct clock *clock,
                          struct config **ret_candidate, struct config_errors *errors,
                          struct error *reterr) MUST_CHECK;

#endif
