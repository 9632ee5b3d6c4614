/* Whom we believe: the system's bundle, a custom list, or both; loaded once, off the loops, shared.
 *
 * Counted and immutable; the count is atomic. Verification looks at chain and dates, never at names
 * (pki/cert.h does) and never at the network. */
#ifndef POSTERN_PKI_TRUST_H
#define POSTERN_PKI_TRUST_H

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

struct gnutls_x509_crt_int;
struct trust;

#define TRUST_SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

/* From now on certificate dates and ticket ages are compared with CLOCK. Once, before any thread;
 * without it GnuTLS reads the system's time. */
void trust_use_clock(const struct clock *clock);

struct trust_settings {
    bool wants_system;               /* TRUST_SYSTEM_BUNDLE, or system_bundle if set */
    const char *system_bundle;       /* NULL: TRUST_SYSTEM_BUNDLE */
    const struct slice *custom_pems; /* each one or more certificates */
    size_t custom_count;
};

/* ERR_NOT_FOUND when the bundle is missing, ERR_INVALID when a custom list has no certificate.
 * Blocks: reads a file of a few hundred certificates. */
int trust_create(const struct trust_settings *settings, struct trust **ret_trust,
                 struct error *reterr) MUST_CHECK;
struct trust *trust_ref(struct trust *trust);
void trust_unref(struct trust *trust);
/* How many authorities it holds. */
size_t trust_count(const struct trust *trust);

enum { TRUST_WHY_MAX = 256 };

/* True when CHAIN (the peer's certificate first) leads to one of ours for a TLS server's or
 * client's use; else WHY says why not in one line, cause first. */
bool trust_verify(const struct trust *trust, struct gnutls_x509_crt_int **chain, size_t count,
                  bool is_server, char why[TRUST_WHY_MAX]);

#endif
