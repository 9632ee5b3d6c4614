/* Private keys in a directory, named by their public key. See key.h.
 *
 * A key in memory is a gnutls_privkey_t, which GnuTLS wipes when it is freed; the PEM text on its
 * way to or from the disk lives in buffers that are wiped here. The file is written with
 * file_replace: a crash leaves the whole key or none. */
#include "pki/key.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "pki/pki_priv.h"

enum { RSA_BITS_MIN = 2048 };

struct key {
    gnutls_privkey_t handle;
    gnutls_x509_privkey_t x509; /* the same key, for export */
    enum key_type type;
    char spki[KEY_SPKI_MAX];
};

void pki_hex(const void *p, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = p;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

int pki_error(struct error *reterr, int gnutls_code, const char *what)
{
    return error_set(reterr, ERR_CRYPTO, "%s: %s", what, gnutls_strerror(gnutls_code));
}

int pki_pubkey_spki(gnutls_pubkey_t pubkey, char ret_spki[KEY_SPKI_MAX])
{
    unsigned char digest[32];
    size_t size = sizeof(digest);
    int r = gnutls_pubkey_get_key_id(pubkey, GNUTLS_KEYID_USE_SHA256, digest, &size);
    if (r < 0)
        return r;
    pki_hex(digest, sizeof(digest), ret_spki);
    return 0;
}

enum key_type pki_key_type(int pk, unsigned bits)
{
    if (pk == GNUTLS_PK_RSA)
        return KEY_TYPE_RSA;
    if (pk == GNUTLS_PK_ECDSA && bits == 256)
        return KEY_TYPE_ECDSA_P256;
    if (pk == GNUTLS_PK_ECDSA && bits == 384)
        return KEY_TYPE_ECDSA_P384;
    return KEY_TYPE_OTHER;
}

const char *key_type_name(enum key_type type)
{
    switch (type) {
    case KEY_TYPE_ECDSA_P256:
        return "ECDSA P-256";
    case KEY_TYPE_ECDSA_P384:
        return "ECDSA P-384";
    case KEY_TYPE_RSA:
        return "RSA";
    case KEY_TYPE_OTHER:
        break;
    }
    return "other";
}

/* Takes over X509. */
static int key_from_x509(gnutls_x509_privkey_t x509, struct key **ret_key, struct error *reterr)
{
    struct key *key = MEM_NEW(struct key);
    key->x509 = x509;
    gnutls_pubkey_t pubkey = NULL;
    int r = gnutls_privkey_init(&key->handle);
    if (r < 0)
        goto fail;
    r = gnutls_privkey_import_x509(key->handle, x509, GNUTLS_PRIVKEY_IMPORT_COPY);
    if (r < 0)
        goto fail;
    r = gnutls_pubkey_init(&pubkey);
    if (r < 0)
        goto fail;
    r = gnutls_pubkey_import_privkey(pubkey, key->handle, 0, 0);
    if (r < 0)
        goto fail;
    r = pki_pubkey_spki(pubkey, key->spki);
    if (r < 0)
        goto fail;
    unsigned bits = 0;
    int pk = gnutls_pubkey_get_pk_algorithm(pubkey, &bits);
    gnutls_pubkey_deinit(pubkey);
    key->type = pki_key_type(pk, bits);
    if (key->type == KEY_TYPE_RSA && bits < RSA_BITS_MIN) {
        key_destroy(key);
        return error_set(reterr, ERR_INVALID, "an RSA key of %u bits is too short, %d is the least",
                         bits, RSA_BITS_MIN);
    }
    *ret_key = key;
    return 0;

fail:
    if (pubkey != NULL)
        gnutls_pubkey_deinit(pubkey);
    key_destroy(key);
    return pki_error(reterr, r, "the private key cannot be used");
}

int key_generate(enum key_type type, struct key **ret_key, struct error *reterr)
{
    gnutls_pk_algorithm_t pk = GNUTLS_PK_ECDSA;
    unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    if (type == KEY_TYPE_ECDSA_P384) {
        bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1);
    } else if (type == KEY_TYPE_RSA) {
        pk = GNUTLS_PK_RSA;
        bits = RSA_BITS_MIN;
    } else {
        ASSERT(type == KEY_TYPE_ECDSA_P256);
    }
    gnutls_x509_privkey_t x509 = NULL;
    int r = gnutls_x509_privkey_init(&x509);
    if (r < 0)
        return pki_error(reterr, r, "cannot generate a key");
    r = gnutls_x509_privkey_generate(x509, pk, bits, 0);
    if (r < 0) {
        gnutls_x509_privkey_deinit(x509);
        return pki_error(reterr, r, "cannot generate a key");
    }
    return key_from_x509(x509, ret_key, reterr);
}

int key_import_pem(struct slice pem, struct key **ret_key, struct error *reterr)
{
    if (pem.len > KEY_FILE_MAX)
        return error_set(reterr, ERR_INVALID, "the key is longer than %d bytes", KEY_FILE_MAX);
    gnutls_x509_privkey_t x509 = NULL;
    int r = gnutls_x509_privkey_init(&x509);
    if (r < 0)
        return pki_error(reterr, r, "cannot read the key");
    gnutls_datum_t datum = pki_datum(pem);
    r = gnutls_x509_privkey_import2(x509, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (r < 0) {
        gnutls_x509_privkey_deinit(x509);
        return error_set(reterr, ERR_INVALID, "not an unencrypted private key in PEM: %s",
                         gnutls_strerror(r));
    }
    return key_from_x509(x509, ret_key, reterr);
}

void key_destroy(struct key *key)
{
    if (key == NULL)
        return;
    /* Both wipe their numbers themselves. */
    if (key->handle != NULL)
        gnutls_privkey_deinit(key->handle);
    if (key->x509 != NULL)
        gnutls_x509_privkey_deinit(key->x509);
    free(key);
}

enum key_type key_get_type(const struct key *key)
{
    return key->type;
}

const char *key_spki(const struct key *key)
{
    return key->spki;
}

struct gnutls_privkey_st *key_handle(const struct key *key)
{
    return key->handle;
}

int key_export_pem(const struct key *key, struct buf *pem, struct error *reterr)
{
    gnutls_datum_t datum = {0};
    int r = gnutls_x509_privkey_export2_pkcs8(key->x509, GNUTLS_X509_FMT_PEM, NULL,
                                              GNUTLS_PKCS_PLAIN, &datum);
    if (r < 0)
        return pki_error(reterr, r, "cannot write the key");
    bool has_room = buf_append(pem, datum.data, datum.size);
    mem_wipe(datum.data, datum.size);
    gnutls_free(datum.data);
    return has_room ? 0 : error_set(reterr, ERR_FULL, "no room for the key");
}

int key_store(const char *dir, const struct key *key, struct error *reterr)
{
    struct buf pem;
    buf_init_secret(&pem, 0);
    int r = key_export_pem(key, &pem, reterr);
    if (r == 0) {
        char *path = mem_printf("%s/%s.pem", dir, key->spki);
        r = file_replace(path, buf_slice(&pem), 0600, reterr);
        free(path);
    }
    buf_finish(&pem);
    return r;
}

static bool is_spki(const char *spki)
{
    return strlen(spki) == KEY_SPKI_HEX && strspn(spki, "0123456789abcdef") == KEY_SPKI_HEX;
}

static int fail_spki(struct error *reterr)
{
    return error_set(reterr, ERR_INVALID, "a key's name is %d hex digits", KEY_SPKI_HEX);
}

int key_load(const char *dir, const char *spki, struct key **ret_key, struct error *reterr)
{
    if (!is_spki(spki)) /* it becomes a file name */
        return fail_spki(reterr);
    char *path = mem_printf("%s/%s.pem", dir, spki);
    struct buf buf;
    buf_init_secret(&buf, KEY_FILE_MAX);
    struct key *key = NULL;
    int r = file_read(path, &buf, reterr);
    if (r == 0)
        r = key_import_pem(buf_slice(&buf), &key, reterr);
    buf_finish(&buf);
    if (r == 0 && strcmp(key->spki, spki) != 0) {
        r = error_set(reterr, ERR_INVALID, "%s holds the key %s", path, key->spki);
        key_destroy(key);
    }
    free(path);
    if (r != 0)
        return r;
    *ret_key = key;
    return 0;
}

int key_load_pem(const char *dir, const char *spki, struct buf *pem, struct error *reterr)
{
    struct key *key = NULL;
    int r = key_load(dir, spki, &key, reterr);
    if (r == 0)
        r = key_export_pem(key, pem, reterr);
    key_destroy(key);
    return r;
}

static int import_checked(const char *spki, struct slice pem, struct key **ret_key,
                          struct error *reterr)
{
    struct key *key = NULL;
    if (!is_spki(spki))
        return fail_spki(reterr);
    int r = key_import_pem(pem, &key, reterr);
    if (r < 0)
        return r;
    if (strcmp(key->spki, spki) != 0) {
        r = error_set(reterr, ERR_INVALID, "the key is %s, not %s", key->spki, spki);
        key_destroy(key);
        return r;
    }
    *ret_key = key;
    return 0;
}

int key_store_pem(const char *dir, const char *spki, struct slice pem, struct error *reterr)
{
    struct key *key = NULL, *stored = NULL;
    int r = import_checked(spki, pem, &key, reterr);
    if (r < 0)
        return r;
    /* One that cannot be read, or holds another key, is worth replacing. */
    r = key_load(dir, spki, &stored, NULL);
    if (r < 0)
        r = key_store(dir, key, reterr);
    key_destroy(stored);
    key_destroy(key);
    return r;
}
