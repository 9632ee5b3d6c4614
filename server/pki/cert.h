/* Certificates: what one says, whether a name is in it, and making a self-signed one.
 *
 * RFC 5280 (contents), RFC 6125 6.4 (names: wildcard only as the whole left-most label). */
#ifndef POSTERN_PKI_CERT_H
#define POSTERN_PKI_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "pki/key.h"

struct gnutls_x509_crt_int;

enum {
    CERT_NAME_MAX = 256,
    CERT_NAMES_MAX = 100, /* SANs kept; more are counted as more */
    CERT_CHAIN_MAX = 8,   /* LIMIT_TLS_CHAIN_DEPTH */
    CERT_PEM_MAX = 65536, /* a whole chain */
};

struct cert_info {
    char subject_cn[CERT_NAME_MAX]; /* control bytes shown as '?'; empty: none */
    char subject[CERT_NAME_MAX];    /* RFC 4514 form, cut to fit */
    char issuer[CERT_NAME_MAX];
    char spki[KEY_SPKI_MAX]; /* finds the key, see pki/key.h */
    char fingerprint[65];    /* SHA-256 of the DER, hex */
    char serial[65];         /* hex */
    enum key_type key_type;
    unsigned key_bits;
    bool is_self_signed; /* issuer and subject are the same */
    bool is_ca;
    int64_t not_before_s, not_after_s; /* since 1970 */
    char **names;                      /* SAN: DNS names and the text of IP addresses */
    size_t name_count;
};

/* Reads the first certificate of PEM. ERR_INVALID says what is wrong. The caller owns *ret_info. */
int cert_info_parse(struct slice pem, struct cert_info **ret_info, struct error *reterr) MUST_CHECK;
/* All certificates of PEM, as they stand there. ERR_INVALID: one cannot be read, or there are more
 * than CERT_CHAIN_MAX. The caller owns each. */
int cert_chain_parse(struct slice pem, struct cert_info *ret_infos[CERT_CHAIN_MAX],
                     size_t *ret_count, struct error *reterr) MUST_CHECK;
void cert_info_destroy(struct cert_info *info);
struct cert_info *cert_info_of(struct gnutls_x509_crt_int *crt);

enum cert_match { CERT_MATCH_NONE, CERT_MATCH_SAN, CERT_MATCH_CN };

/* Whether NAME (a domain, or the text of an IP address) is one of the certificate's. The CN is
 * looked at only with ALLOWS_CN and only for domains. Case does not matter. */
enum cert_match cert_info_match(const struct cert_info *info, const char *name, bool allows_cn);
/* PATTERN from a certificate against a domain. */
bool cert_name_matches(struct slice pattern, struct slice name);

struct cert_request {
    const char *common_name;  /* subject CN; also one of NAMES by custom */
    const char *organization; /* NULL: none */
    const char *const *names; /* SAN: domains or IP addresses */
    size_t name_count;
    unsigned days; /* valid from an hour before now */
};

/* A self-signed certificate for a server, as PEM on the heap; the caller frees it. NOW_MS is wall
 * time; SERIAL are random bytes. */
int cert_self_signed(const struct key *key, const struct cert_request *request, int64_t now_ms,
                     const uint8_t serial[16], char **ret_pem, struct error *reterr) MUST_CHECK;

#endif
