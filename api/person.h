/* What the handlers about people share: sessions, users, tokens. */
#ifndef POSTERN_API_PERSON_H
#define POSTERN_API_PERSON_H

#include "api/hash_job.h"
#include "config/users.h"

json_t *person_json(const struct user *user);
/* Whom the path names. False: answered, with 404 if there is nobody of that name. */
bool person_find(struct api_call *call, struct slice name, struct user *ret_user) MUST_CHECK;
/* The answer to a change: VALUE (taken; NULL: no body) if R is 0, else the problem that ERRORS or
 * ERROR tells of. */
void person_answer(struct api_call *call, int r, const struct config_errors *errors,
                   const struct error *error, json_t *value);
/* Starts hashing the job's password for THEN, if it may become one; else answers with its error at
 * POINTER. */
void person_hash(struct hash_job *job, const char *pointer, void (*then)(struct hash_job *job));
/* For what a stolen session must not do: the password was entered within minutes. False: answered.
 */
bool person_is_proved(struct api_call *call) MUST_CHECK;

#endif
