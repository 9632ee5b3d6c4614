/* Chains and keys joined into GnuTLS credentials. See served.h.
 *
 * GnuTLS takes the first loaded certificate that suits the negotiated algorithms, so ECDSA is
 * loaded before RSA whatever the caller's order; with %SERVER_PRECEDENCE a client that can do both
 * gets ECDSA. The credentials never change after served_create. */
#include "pki/served.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/mem.h"
#include "pki/cert.h"
#include "pki/pki_priv.h"

enum { SERVED_PAIRS_MAX = 3, SERVED_VERIFY_BITS_MAX = 8192 };

struct served {
    _Atomic unsigned refs;
    gnutls_certificate_credentials_t credentials;
};

static int import_chain(struct slice pem, gnutls_pcert_st *pcerts, unsigned *count,
                        struct error *reterr)
{
    if (pem.len > CERT_PEM_MAX)
        return error_set(reterr, ERR_INVALID, "the chain is longer than %d bytes", CERT_PEM_MAX);
    gnutls_datum_t datum = pki_datum(pem);
    *count = LIMIT_TLS_CHAIN_DEPTH;
    int r = gnutls_pcert_list_import_x509_raw(pcerts, count, &datum, GNUTLS_X509_FMT_PEM,
                                              GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED |
                                                  GNUTLS_X509_CRT_LIST_SORT);
    if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return error_set(reterr, ERR_INVALID, "the chain has more than %d certificates",
                         LIMIT_TLS_CHAIN_DEPTH);
    if (r < 0)
        return error_set(reterr, ERR_INVALID, "the certificate chain cannot be read: %s",
                         gnutls_strerror(r));
    return 0;
}

/* A handle of its own on the same key: set_key takes it over. */
static int copy_key(const struct key *key, gnutls_privkey_t *ret_handle)
{
    gnutls_x509_privkey_t x509 = NULL;
    int r = gnutls_privkey_export_x509(key_handle(key), &x509);
    if (r < 0)
        return r;
    gnutls_privkey_t handle = NULL;
    r = gnutls_privkey_init(&handle);
    if (r >= 0)
        r = gnutls_privkey_import_x509(handle, x509, GNUTLS_PRIVKEY_IMPORT_COPY);
    gnutls_x509_privkey_deinit(x509); /* wipes this copy */
    if (r < 0) {
        if (handle != NULL)
            gnutls_privkey_deinit(handle);
        return r;
    }
    *ret_handle = handle;
    return 0;
}

static int add_pair(struct served *served, const struct served_pair *pair, struct error *reterr)
{
    gnutls_pcert_st pcerts[LIMIT_TLS_CHAIN_DEPTH];
    unsigned count = 0;
    int r = import_chain(pair->chain_pem, pcerts, &count, reterr);
    if (r < 0)
        return r;
    char spki[KEY_SPKI_MAX] = "";
    gnutls_privkey_t handle = NULL;
    r = pki_pubkey_spki(pcerts[0].pubkey, spki);
    if (r >= 0 && strcmp(spki, key_spki(pair->key)) != 0) {
        r = error_set(reterr, ERR_INVALID, "the certificate belongs to the key %s, not to %s", spki,
                      key_spki(pair->key));
        goto fail;
    }
    if (r >= 0)
        r = copy_key(pair->key, &handle);
    if (r >= 0)
        r = gnutls_certificate_set_key(served->credentials, NULL, 0, pcerts, (int)count, handle);
    if (r >= 0)
        return 0; /* chain and key belong to the credentials now */
    if (handle != NULL)
        gnutls_privkey_deinit(handle);
    r = pki_error(reterr, r, "the certificate and its key cannot be used");
fail:
    for (unsigned i = 0; i < count; i++)
        gnutls_pcert_deinit(&pcerts[i]);
    return r;
}

static bool is_ecdsa(const struct served_pair *pair)
{
    enum key_type type = key_get_type(pair->key);
    return type == KEY_TYPE_ECDSA_P256 || type == KEY_TYPE_ECDSA_P384;
}

static int check_kinds(const struct served_pair *pairs, size_t pair_count, struct error *reterr)
{
    if (pair_count == 0 || pair_count > SERVED_PAIRS_MAX)
        return error_set(reterr, ERR_INVALID, "a certificate has 1 to %d chains", SERVED_PAIRS_MAX);
    for (size_t i = 0; i < pair_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (key_get_type(pairs[i].key) == key_get_type(pairs[j].key))
                return error_set(reterr, ERR_INVALID, "two chains for one kind of key (%s)",
                                 key_type_name(key_get_type(pairs[i].key)));
        }
    }
    return 0;
}

int served_create(const struct served_pair *pairs, size_t pair_count, struct served **ret_served,
                  struct error *reterr)
{
    int r = check_kinds(pairs, pair_count, reterr);
    if (r < 0)
        return r;
    struct served *served = MEM_NEW(struct served);
    atomic_init(&served->refs, 1);
    r = gnutls_certificate_allocate_credentials(&served->credentials);
    if (r < 0) {
        free(served);
        return pki_error(reterr, r, "cannot set up a certificate");
    }
    gnutls_certificate_set_verify_limits(served->credentials, SERVED_VERIFY_BITS_MAX,
                                         LIMIT_TLS_CHAIN_DEPTH);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < pair_count; i++) {
            if (is_ecdsa(&pairs[i]) != (pass == 0))
                continue;
            r = add_pair(served, &pairs[i], reterr);
            if (r < 0) {
                served_unref(served);
                return r;
            }
        }
    }
    *ret_served = served;
    return 0;
}

int served_load(const char *dir, const struct slice *chain_pems, size_t count,
                struct served **ret_served, struct error *reterr)
{
    struct served_pair pairs[SERVED_PAIRS_MAX] = {0};
    struct key *keys[SERVED_PAIRS_MAX] = {0};
    if (count == 0 || count > SERVED_PAIRS_MAX)
        return error_set(reterr, ERR_INVALID, "a certificate has 1 to %d chains", SERVED_PAIRS_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct cert_info *info = NULL;
        r = cert_info_parse(chain_pems[i], &info, reterr);
        if (r == 0)
            r = key_load(dir, info->spki, &keys[i], reterr);
        cert_info_destroy(info);
        pairs[i] = (struct served_pair){.chain_pem = chain_pems[i], .key = keys[i]};
    }
    if (r == 0)
        r = served_create(pairs, count, ret_served, reterr);
    for (size_t i = 0; i < count; i++)
        key_destroy(keys[i]);
    return r;
}

struct served *served_ref(struct served *served)
{
    (void)atomic_fetch_add(&served->refs, 1);
    return served;
}

void served_unref(struct served *served)
{
    if (served == NULL || atomic_fetch_sub(&served->refs, 1) != 1)
        return;
    gnutls_certificate_free_credentials(served->credentials);
    free(served);
}

struct gnutls_certificate_credentials_st *served_credentials(const struct served *served)
{
    return served->credentials;
}
