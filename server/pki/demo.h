/* The demonstration certificate of a first start: an ECDSA P-256 certificate and its RSA-2048 twin
 * for a host name, self-signed, keys durable in the key store. A warning belongs into the log while
 * it is in use; that is the caller's. Blocks for up to a second or two: off the loops. */
#ifndef POSTERN_PKI_DEMO_H
#define POSTERN_PKI_DEMO_H

#include "base/clock.h"
#include "base/err.h"
#include "pki/key.h"

enum { DEMO_PAIRS = 2, DEMO_DAYS = 3650 };

#define DEMO_ORGANIZATION "Postern demonstration certificate"

struct demo_pair {
    char *chain_pem;         /* on the heap */
    char spki[KEY_SPKI_MAX]; /* its key is KEYS_DIR/<spki>.pem */
    enum key_type key_type;
};

/* pairs[0] is ECDSA, pairs[1] RSA. SAN: HOSTNAME, localhost, 127.0.0.1, ::1. */
int demo_make(const char *keys_dir, const char *hostname, const struct clock *clock,
              struct demo_pair ret_pairs[DEMO_PAIRS], struct error *reterr) MUST_CHECK;
void demo_pair_finish(struct demo_pair *pair);
/* True for a certificate that demo_make made (by its subject and issuer). */
bool demo_is_demo(struct slice chain_pem);

#endif
