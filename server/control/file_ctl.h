/* The door to the configuration file: made and read on a worker thread.
 *
 *   plain    config_render: sorted, indented, the same for equal configurations; no secret in it
 *   sealed   {"configuration": {…}, "keys": [{"spki": "…", "pem": "…"}]} under a passphrase
 *            (pki/sealed.h): with the private keys of the certificates that it names
 *
 *   main: fills the request -> file_ctl_write or file_ctl_read -> worker -> letter in the box
 *         -> ..._finish
 *
 * Reading gives the document and the keys, and changes nothing. The keys go into the key store by
 * file_ctl_store_keys alone, when the draft made from the document has been accepted: then it may
 * be committed, whatever happens to the file.
 *
 * Nothing is larger than LIMIT_JSON_BYTES. Argon2id takes SEALED_MEMORY_KIB and a second, and the
 * workers serve the mail first, so one request runs at a time. Owner thread: any may ask; one owner
 * for each request. */
#ifndef POSTERN_CONTROL_FILE_CTL_H
#define POSTERN_CONTROL_FILE_CTL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/mailbox.h"
#include "base/work.h"
#include "config/config.h"
#include "pki/key.h"
#include "pki/sealed.h"

struct engine;
struct file_ctl;

enum { FILE_CTL_KEYS_MAX = 4096 /* in one file */ };

/* ENGINE is borrowed; KEYS_DIR is copied. */
struct file_ctl *file_ctl_create(struct engine *engine, const char *keys_dir) MUST_CHECK;
/* After the workers ended. NULL is allowed. */
void file_ctl_destroy(struct file_ctl *ctl);

/* What both requests return when they could not be begun (then the letter does not come).
 * ERR_BUSY: one runs already, or the workers have enough to do: try again in a second;
 * ERR_CLOSED: the process is ending. */

/* A request for a file; it stays where it is, with what it borrows, until the letter runs. */
struct file_ctl_write {
    const struct config *config;    /* after config_validate; a reference is taken */
    bool wants_sealed;              /* else plain, and no passphrase */
    struct slice passphrase;        /* the caller wipes it */
    const struct sealed_cost *cost; /* NULL: what sealed.h says; tests have less */
    struct mailbox *box;            /* stays open until the workers ended */
    struct letter letter;           /* letter.run is set by the caller */
    /* filled in before the letter runs */
    /* 0; ERR_INVALID: `errors` has why (sealed.passphrase at /passphrase; json.size, sealed.size);
     * ERR_BUSY: no memory for Argon2id now; another: a private key cannot be read */
    int status;
    struct error error;          /* in one line, whatever the status */
    struct config_errors errors; /* what the one who asked can mend */
    struct buf text;             /* status 0 */
    /* private */
    const struct config *kept;
    struct work_job job;
    struct file_ctl *ctl;
};

int file_ctl_write(struct file_ctl *ctl, struct file_ctl_write *write) MUST_CHECK;
/* Once its letter has run, or it was refused; only after file_ctl_write. */
void file_ctl_write_finish(struct file_ctl_write *write);

/* A private key from a file: it fits its SPKI. */
struct file_ctl_key {
    char spki[KEY_SPKI_MAX];
    struct slice pem; /* in memory that is wiped when the request is finished */
};

/* A request to read one; it stays where it is, with what it borrows, until the letter runs. */
struct file_ctl_read {
    struct slice text;
    struct slice passphrase; /* empty: none was given; not looked at for a plain file */
    struct mailbox *box;     /* stays open until the workers ended */
    struct letter letter;    /* letter.run is set by the caller */
    /* filled in before the letter runs */
    /* 0; ERR_INVALID: `errors` has why; ERR_BUSY: no memory for Argon2id now */
    int status;
    struct error error; /* in one line, whatever the status */
    /* At /passphrase: file.passphrase (it is sealed, and none was given), sealed.passphrase,
     * sealed.open. At "": json.…, value.type, sealed.…. In a sealed file, from its content on:
     * value.type, value.length, value.pattern, key.duplicate, and key.mismatch (of a private key
     * with its SPKI). */
    struct config_errors errors;
    bool is_sealed; /* true also when it could not be opened */
    /* status 0 */
    json_t *document; /* an object, whose members nobody has looked at yet */
    struct file_ctl_key *keys;
    size_t key_count;
    /* private */
    json_t *kept; /* holds the keys' text */
    struct work_job job;
    struct file_ctl *ctl;
};

int file_ctl_read(struct file_ctl *ctl, struct file_ctl_read *read) MUST_CHECK;
/* Once its letter has run, or it was refused; only after file_ctl_read. Who keeps the document
 * takes a reference before. */
void file_ctl_read_finish(struct file_ctl_read *read);

/* Makes keys durable in the key store; those that are there already are left alone. Blocks for a
 * few milliseconds a new key. ERR_IO, ERR_FULL: those before it are stored, which does no harm. */
int file_ctl_store_keys(struct file_ctl *ctl, const struct file_ctl_key *keys, size_t count,
                        struct error *reterr) MUST_CHECK;

#endif
