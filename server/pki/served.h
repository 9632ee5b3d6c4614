/* What a server shows: one certificate object with at most one chain per key type (ECDSA and RSA
 * together), with its keys, ready for handshakes.
 *
 * Counted: the snapshot, each tls_server and each handshake in flight hold a reference, so a commit
 * can replace it while they go on. Immutable; the count is atomic, any thread. */
#ifndef POSTERN_PKI_SERVED_H
#define POSTERN_PKI_SERVED_H

#include "base/err.h"
#include "base/slice.h"

struct gnutls_certificate_credentials_st;
struct key;
struct served;

struct served_pair {
    struct slice chain_pem; /* the certificate first, then its intermediates */
    const struct key *key;  /* its key; borrowed for the call */
};

/* ERR_INVALID when a chain cannot be read, is longer than LIMIT_TLS_CHAIN_DEPTH or does not belong
 * to its key, and when two pairs have the same kind of key. ECDSA is offered first whatever the
 * order. */
int served_create(const struct served_pair *pairs, size_t pair_count, struct served **ret_served,
                  struct error *reterr) MUST_CHECK;
struct served *served_ref(struct served *served);
void served_unref(struct served *served);
/* The same, keys loaded from the key store DIR by the chains' public keys. */
int served_load(const char *dir, const struct slice *chain_pems, size_t count,
                struct served **ret_served, struct error *reterr) MUST_CHECK;
/* Borrowed: valid as long as a reference is held. */
struct gnutls_certificate_credentials_st *served_credentials(const struct served *served);

#endif
