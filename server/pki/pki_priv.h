/* Helpers of pki/'s own files. */
#ifndef POSTERN_PKI_PKI_PRIV_H
#define POSTERN_PKI_PKI_PRIV_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/err.h"
#include "base/slice.h"
#include "pki/key.h"

/* Lower-case hex; OUT holds 2 * LEN + 1. */
void pki_hex(const void *p, size_t len, char *out);
/* ERR_CRYPTO with "WHAT: GnuTLS's words". */
int pki_error(struct error *reterr, int gnutls_code, const char *what);
/* SHA-256 of the DER public key in hex; a GnuTLS code. */
int pki_pubkey_spki(gnutls_pubkey_t pubkey, char ret_spki[KEY_SPKI_MAX]);
/* PK is a gnutls_pk_algorithm_t. */
enum key_type pki_key_type(int pk, unsigned bits);

static inline gnutls_datum_t pki_datum(struct slice s)
{
    /* GnuTLS takes input as a non-const datum but does not write to it. */
    return (gnutls_datum_t){.data = (unsigned char *)(void *)(size_t)s.p, .size = (unsigned)s.len};
}

#endif
