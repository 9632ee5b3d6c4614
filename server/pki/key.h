/* Private keys: made, kept and found by their public key.
 *
 * DIR/<spki>.pem holds a key in PKCS#8, mode 0600; <spki> is the SHA-256 of the DER public key
 * (SubjectPublicKeyInfo) in 64 lower-case hex digits. A key is durable when key_generate_stored
 * or key_store returns, so nothing can refer to a key that a crash takes away. Key bytes are wiped
 * when they are done with and are never printed.
 *
 * Every function blocks (RSA for a while): not on a loop. */
#ifndef POSTERN_PKI_KEY_H
#define POSTERN_PKI_KEY_H

#include "base/buf.h"
#include "base/err.h"

struct gnutls_privkey_st;
struct key;

enum { KEY_SPKI_HEX = 64, KEY_SPKI_MAX = KEY_SPKI_HEX + 1, KEY_FILE_MAX = 65536 };

enum key_type {
    KEY_TYPE_ECDSA_P256,
    KEY_TYPE_ECDSA_P384,
    KEY_TYPE_RSA, /* 2048 bits when generated, at least 2048 when loaded */
    KEY_TYPE_OTHER,
};

int key_generate(enum key_type type, struct key **ret_key, struct error *reterr) MUST_CHECK;
/* Unencrypted PEM, PKCS#8 or the older forms. RSA under 2048 bits is refused. */
int key_import_pem(struct slice pem, struct key **ret_key, struct error *reterr) MUST_CHECK;
/* Wipes it. NULL is allowed. */
void key_destroy(struct key *key);

enum key_type key_get_type(const struct key *key);
const char *key_type_name(enum key_type type);
/* 64 hex digits, valid as long as the key. */
const char *key_spki(const struct key *key);
/* Borrowed, for pki/ and the certificate it belongs to. */
struct gnutls_privkey_st *key_handle(const struct key *key);

/* Makes DIR/<spki>.pem, durable on return. Storing the same key again is fine. */
int key_store(const char *dir, const struct key *key, struct error *reterr) MUST_CHECK;
/* ERR_NOT_FOUND when there is no such file; ERR_INVALID when it holds another key. */
int key_load(const char *dir, const char *spki, struct key **ret_key,
             struct error *reterr) MUST_CHECK;

/* For keys that leave the machine in a sealed file, and come from one. */

/* Appends the key in PKCS#8, unencrypted PEM. PEM is a secret buffer (buf_init_secret). */
int key_export_pem(const struct key *key, struct buf *pem, struct error *reterr) MUST_CHECK;
/* key_load and key_export_pem in one. */
int key_load_pem(const char *dir, const char *spki, struct buf *pem,
                 struct error *reterr) MUST_CHECK;
/* key_import_pem and key_store in one. ERR_INVALID too when it is another key than SPKI says, or
 * SPKI is none. A good file that is there already is not written again. */
int key_store_pem(const char *dir, const char *spki, struct slice pem,
                  struct error *reterr) MUST_CHECK;

#endif
