/* Bytes sealed under a passphrase, as one readable text: what a configuration file with private
 * keys is.
 *
 *   passphrase -> Argon2id (RFC 9106) -> key -> XChaCha20-Poly1305 -> base64 in a JSON object
 *
 *   {
 *     "postern_sealed": 1,
 *     "kdf": {"name": "argon2id13", "memory_kib": 262144, "passes": 3, "salt": "…"},
 *     "aead": "xchacha20poly1305-ietf",
 *     "nonce": "…",
 *     "data": "…"
 *   }
 *
 * One lane, 16 bytes of salt, 24 of nonce, all binary in base64 (RFC 4648 4). The associated data
 * is the object without "data", with sorted keys and no blanks, so the file may be reformatted, but
 * what it says about itself cannot be changed. Other names or another meaning: another number in
 * "postern_sealed". No part of it tells a wrong passphrase from changed bytes.
 *
 * A hostile file costs no more than the bounds below, however often it was made to ask for more;
 * the parameters it may ask for are those of struct sealed_cost. Both directions block for about a
 * second and take SEALED_MEMORY_KIB: on a worker (base/work.h). Nothing is kept between calls but
 * what sodium_init does once, so any number of threads may call; keys are wiped. */
#ifndef POSTERN_PKI_SEALED_H
#define POSTERN_PKI_SEALED_H

#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

enum {
    SEALED_VERSION = 1,
    SEALED_TEXT_MAX = 32 * 1024 * 1024,  /* of a sealed text, bytes */
    SEALED_PLAIN_MAX = 24 * 1000 * 1000, /* of what can be sealed: base64 of it fits */
    SEALED_PASSPHRASE_MIN = 12,          /* bytes, when sealing */
    SEALED_PASSPHRASE_MAX = 1024,        /* bytes */
    /* libsodium's "moderate"; RFC 9106 4 recommends 64 MiB or more. Measured: half a second. */
    SEALED_PASSES = 3,
    SEALED_MEMORY_KIB = 256 * 1024,
    /* The most that is done for a file, 1.3 s. Jansson has the text before Argon2id gets its
     * memory: four times SEALED_TEXT_MAX at most. */
    SEALED_PASSES_MAX = 8,
    SEALED_MEMORY_KIB_MIN = 8,
    SEALED_MEMORY_KIB_MAX = 256 * 1024,
};

/* What Argon2id is made to cost, or may. */
struct sealed_cost {
    uint32_t passes;
    uint32_t memory_kib;
};

/* What was wrong with what somebody gave us. */
enum sealed_fault {
    SEALED_FAULT_NONE,
    SEALED_FAULT_PASSPHRASE, /* its length is not allowed */
    SEALED_FAULT_SIZE,       /* more bytes than the caps above */
    SEALED_FAULT_FORM,       /* no sealed text, or not all of it */
    SEALED_FAULT_VERSION,    /* made by a newer Postern */
    SEALED_FAULT_COST,       /* asks for more time or memory than is allowed */
    SEALED_FAULT_OPEN,       /* a wrong passphrase, or a changed file: nobody can tell */
    SEALED_FAULT_MEMORY,     /* not the file's fault: the machine has no memory for Argon2id now */
};

/* A stable word for each, such as `sealed.open`; "" for NONE. */
const char *sealed_fault_code(enum sealed_fault fault);

/* Appends the sealed text to TEXT. COST NULL: the one above; tests have less. PLAIN and PASSPHRASE
 * stay the caller's to wipe. PASSPHRASE, SIZE (TEXT's cap counts too) or MEMORY; *RETERR says it in
 * words. */
enum sealed_fault sealed_seal(struct slice plain, struct slice passphrase,
                              const struct clock *clock, const struct sealed_cost *cost,
                              struct buf *text, struct error *reterr) MUST_CHECK;

/* Whether TEXT is a JSON object that says it is sealed, by whatever version. Costs no Argon2id. */
bool sealed_is_sealed(struct slice text) MUST_CHECK;

/* Appends the plain bytes to PLAIN (buf_init_secret). MOST NULL: the bounds above. Any fault but
 * NONE: PLAIN is unchanged, *RETERR says it in words. */
enum sealed_fault sealed_open(struct slice text, struct slice passphrase,
                              const struct sealed_cost *most, struct buf *plain,
                              struct error *reterr) MUST_CHECK;

#endif
