/* A password hashed or verified on a worker, for a call that waits.
 *
 *   main: hash_job_start -> worker: yescrypt -> main: then(job), which answers the call and ends
 *   with hash_job_end, or starts the job again
 *
 * The password is a copy of the job's own, wiped at its end; the one in the body is wiped at once.
 */
#ifndef POSTERN_API_HASH_JOB_H
#define POSTERN_API_HASH_JOB_H

#include "api/call.h"
#include "base/mailbox.h"
#include "base/work.h"
#include "config/password.h"

struct hash_job {
    struct api_call *call;
    void (*then)(struct hash_job *job); /* on main; a hash that failed is answered without it */
    char *password;
    bool is_verify; /* of `hash`; else `hash` is made */
    bool has_hash;  /* verify: there is such a user; if not, it takes as long */
    char hash[PASSWORD_HASH_SIZE];
    bool is_right; /* the outcome of a verification */
    /* private */
    int status;
    struct error error;
    struct work_job work;
    struct letter letter;
};

/* Takes the text member KEY out of the call's body as the password; NULL: answered. */
struct hash_job *hash_job_create(struct api_call *call, const char *key,
                                 void (*then)(struct hash_job *job));
/* Replaces the password by another member's. False: answered, and the job is ended. */
bool hash_job_take(struct hash_job *job, const char *key) MUST_CHECK;
/* False: no worker is free; answered with 503, and the job is ended. */
bool hash_job_start(struct hash_job *job) MUST_CHECK;
void hash_job_end(struct hash_job *job);

#endif
