/* Passwords: see password.h.
 *
 * libcrypt takes phrases of at most 511 bytes; a longer one goes in as the SHA-256 of it, in hex,
 * which is as hard to guess. Parameters are libcrypt's defaults of this machine (`j9T`: 16 MiB, the
 * same as Debian's own passwords); they are part of each hash, so they may grow later. */
#include "config/password.h"

#include <crypt.h>

#include "config/sha256.h"

enum { SALT_BYTES = 16, PHRASE_MAX = CRYPT_MAX_PASSPHRASE_SIZE - 1 };

static const char PREFIX[] = "$y$";

/* Of nobody's password, with the parameters of new hashes. */
static const char NOBODY[] =
    "$y$j9T$nmMDKsRwxkrQHJNPLBCvT/$m60RLz18CZWLNmX602W03R/JocnT1jiYVTI0OFSaAO.";

/* The stand-in of what is not allowed: costs as much and is never right. */
static const char NOTHING[] = "no password";

static bool is_allowed(struct slice password)
{
    return password.len >= PASSWORD_MIN && password.len <= PASSWORD_MAX &&
           slice_find(password, '\0') == password.len;
}

bool password_check(struct slice password, const char *pointer, struct config_errors *errors)
{
    if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX) {
        config_errors_add(errors, pointer, "value.length",
                          "a password has %d to %d bytes, this has %zu", PASSWORD_MIN, PASSWORD_MAX,
                          password.len);
        return false;
    }
    if (!is_allowed(password)) {
        config_errors_add(errors, pointer, "value.pattern", "a password has no NUL");
        return false;
    }
    return true;
}

/* What libcrypt works in; 32 KiB, so on the heap. */
struct work {
    char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
    struct crypt_data crypt;
};

static struct work *work_create(struct slice password)
{
    struct work *work = MEM_NEW(struct work);
    if (password.len <= PHRASE_MAX) {
        memcpy(work->phrase, password.p, password.len); /* zeroed: ends with a NUL */
    } else {
        uint8_t hash[SHA256_BYTES];
        sha256(password, hash);
        for (size_t i = 0; i < sizeof(hash); i++)
            (void)snprintf(work->phrase + 2 * i, 3, "%02x", hash[i]);
        mem_wipe(hash, sizeof(hash));
    }
    return work;
}

static void work_destroy(struct work *work)
{
    mem_wipe(work, sizeof(*work));
    free(work);
}

int password_hash(struct slice password, const struct clock *clock,
                  char ret_hash[PASSWORD_HASH_SIZE], struct error *reterr)
{
    char random[SALT_BYTES], setting[CRYPT_GENSALT_OUTPUT_SIZE];
    int r = 0;
    ASSERT(is_allowed(password));
    clock->random(clock, random, sizeof(random));
    if (crypt_gensalt_rn(PREFIX, 0, random, sizeof(random), setting, sizeof(setting)) == NULL)
        return error_set(reterr, ERR_CRYPTO, "this system's libcrypt has no yescrypt");
    struct work *work = work_create(password);
    const char *hash = crypt_rn(work->phrase, setting, &work->crypt, sizeof(work->crypt));
    if (hash == NULL || strlen(hash) >= PASSWORD_HASH_SIZE)
        r = error_set(reterr, ERR_CRYPTO, "libcrypt cannot hash a password (out of memory?)");
    else
        (void)snprintf(ret_hash, PASSWORD_HASH_SIZE, "%s", hash);
    work_destroy(work);
    return r;
}

bool password_verify(struct slice password, const char *hash)
{
    bool can_be = hash != NULL && is_allowed(password);
    struct work *work = work_create(is_allowed(password) ? password : slice_str(NOTHING));
    if (hash == NULL)
        hash = NOBODY;
    const char *got = crypt_rn(work->phrase, hash, &work->crypt, sizeof(work->crypt));
    size_t len = strlen(hash);
    bool is_right = got != NULL && strlen(got) == len && mem_eq_secret(got, hash, len);
    work_destroy(work);
    return is_right && can_be;
}
