/* Trust lists and chain verification. See trust.h.
 *
 * The list is a gnutls_x509_trust_list_t of its own, not part of any credentials: verification is
 * called by hand with the peer's chain. So one list serves every client and listener, and nothing
 * depends on which credentials are freed first. A created list is only read, from any thread. */
#include "pki/trust.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "pki/pki_priv.h"

enum { TRUST_PEM_MAX = 8 * 1024 * 1024, TRUST_KEY_BITS_MAX = 8192 };

struct trust {
    _Atomic unsigned refs;
    gnutls_x509_trust_list_t list;
    size_t count;
};

static const struct clock *trust_clock;

static time_t time_of_clock(time_t *ret)
{
    time_t now = (time_t)(clock_wall_ms(trust_clock) / 1000);
    if (ret != NULL)
        *ret = now;
    return now;
}

void trust_use_clock(const struct clock *clock)
{
    trust_clock = clock;
    gnutls_global_set_time_function(clock == NULL ? time : time_of_clock);
}

static int add_system(struct trust *trust, const char *path, struct error *reterr)
{
    if (path == NULL)
        path = TRUST_SYSTEM_BUNDLE;
    int r =
        gnutls_x509_trust_list_add_trust_file(trust->list, path, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    if (r < 0)
        return error_set(reterr, ERR_NOT_FOUND, "cannot read the trusted authorities in %s: %s",
                         path, gnutls_strerror(r));
    trust->count += (size_t)r;
    return 0;
}

static int add_custom(struct trust *trust, struct slice pem, size_t number, struct error *reterr)
{
    if (pem.len > TRUST_PEM_MAX)
        return error_set(reterr, ERR_INVALID, "trust list %zu is longer than %d bytes", number,
                         TRUST_PEM_MAX);
    gnutls_datum_t datum = pki_datum(pem);
    int r =
        gnutls_x509_trust_list_add_trust_mem(trust->list, &datum, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    if (r <= 0)
        return error_set(reterr, ERR_INVALID, "trust list %zu holds no certificate in PEM: %s",
                         number, r < 0 ? gnutls_strerror(r) : "it is empty");
    trust->count += (size_t)r;
    return 0;
}

int trust_create(const struct trust_settings *settings, struct trust **ret_trust,
                 struct error *reterr)
{
    struct trust *trust = MEM_NEW(struct trust);
    atomic_init(&trust->refs, 1);
    int r = gnutls_x509_trust_list_init(&trust->list, 0);
    if (r < 0) {
        free(trust);
        return pki_error(reterr, r, "cannot make a trust list");
    }
    r = settings->wants_system ? add_system(trust, settings->system_bundle, reterr) : 0;
    for (size_t i = 0; r == 0 && i < settings->custom_count; i++)
        r = add_custom(trust, settings->custom_pems[i], i + 1, reterr);
    if (r < 0) {
        trust_unref(trust);
        return r;
    }
    *ret_trust = trust;
    return 0;
}

struct trust *trust_ref(struct trust *trust)
{
    (void)atomic_fetch_add(&trust->refs, 1);
    return trust;
}

void trust_unref(struct trust *trust)
{
    if (trust == NULL || atomic_fetch_sub(&trust->refs, 1) != 1)
        return;
    gnutls_x509_trust_list_deinit(trust->list, 1);
    free(trust);
}

size_t trust_count(const struct trust *trust)
{
    return trust->count;
}

/* The status bits in the order in which they explain most. */
/* clang-format off */
static const struct {
    unsigned bit;
    const char *text;
} reasons[] = {
    {GNUTLS_CERT_REVOKED,                  "certificate revoked"},
    {GNUTLS_CERT_EXPIRED,                  "certificate has expired"},
    {GNUTLS_CERT_NOT_ACTIVATED,            "certificate is not yet valid"},
    {GNUTLS_CERT_SIGNATURE_FAILURE,        "a signature in the chain is wrong"},
    {GNUTLS_CERT_INSECURE_ALGORITHM,       "a signature in the chain uses a weak algorithm"},
    {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "an issuer's constraints forbid the certificate"},
    {GNUTLS_CERT_SIGNER_NOT_CA,            "an issuer is not a certificate authority"},
    {GNUTLS_CERT_PURPOSE_MISMATCH,         "certificate is for another purpose"},
    {GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS,  "certificate has an unknown critical extension"},
};
/* clang-format on */

bool trust_verify(const struct trust *trust, struct gnutls_x509_crt_int **chain, size_t count,
                  bool is_server, char why[TRUST_WHY_MAX])
{
    const char *text = NULL;
    why[0] = '\0';
    if (trust == NULL)
        text = "no authority is trusted";
    else if (count == 0)
        text = "no certificate was sent";
    else if (count > LIMIT_TLS_CHAIN_DEPTH)
        text = "the chain is too long";
    for (size_t i = 0; text == NULL && i < count; i++) {
        unsigned bits = 0;
        if (gnutls_x509_crt_get_pk_algorithm(chain[i], &bits) == GNUTLS_PK_RSA &&
            bits > TRUST_KEY_BITS_MAX)
            text = "a key in the chain is too long";
    }
    unsigned status = 0;
    if (text == NULL) {
        gnutls_typed_vdata_st purpose = {
            .type = GNUTLS_DT_KEY_PURPOSE_OID,
            .data = (unsigned char *)(void *)(size_t)(is_server ? GNUTLS_KP_TLS_WWW_SERVER
                                                                : GNUTLS_KP_TLS_WWW_CLIENT),
        };
        int r = gnutls_x509_trust_list_verify_crt2(trust->list, chain, (unsigned)count, &purpose, 1,
                                                   0, &status, NULL);
        if (r < 0)
            text = gnutls_strerror(r);
    }
    for (size_t i = 0; text == NULL && i < ARRAY_LEN(reasons); i++) {
        if ((status & reasons[i].bit) != 0)
            text = reasons[i].text;
    }
    if (text == NULL && (status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0) {
        bool is_self = gnutls_x509_crt_check_issuer(chain[count - 1], chain[count - 1]) != 0;
        text = !is_self    ? "issuer is not trusted or missing"
               : count > 1 ? "self-signed certificate in the chain is not trusted"
                           : "self-signed certificate";
    }
    if (text == NULL && status != 0)
        text = "certificate is not valid";
    if (text == NULL)
        return true;
    (void)snprintf(why, TRUST_WHY_MAX, "%s", text); /* ours and GnuTLS's short words */
    return false;
}
