/* What the files that carry a call from the exchange to its answer share: api.c, auth.c, respond.c.
 */
#ifndef POSTERN_API_CALL_PRIV_H
#define POSTERN_API_CALL_PRIV_H

#include "api/api.h"
#include "api/call.h"
#include "base/log.h"
#include "config/config.h"

/* Gives the exchange back, with whatever the answer is. */
void call_done(struct api_call *call);
/* Before that: writes the audit, frees what the call owned. */
void call_finished(struct api_call *call);

/* The audit (audit_call.c). A call of what changes something in the database has its row in the
 * transaction that does it: RUN, a handler or what goes on after a letter, and nothing else of main
 * comes in between. */
void audit_run(struct api_call *call, void (*run)(void *owner), void *owner);
/* Writes the row of an ended call that has none yet, if it is one to be told. */
void audit_call(struct api_call *call);

/* Who asks (auth.c): fills call->principal. False: answered with 401 or 403. */
bool auth_identify(struct api_call *call) MUST_CHECK;
/* Whether the principal may call the route. False: answered. */
bool auth_permit(struct api_call *call) MUST_CHECK;

/* Whose streams of events the principal's are. */
void auth_holder(const struct principal *principal, struct feed_holder *ret_holder);
/* Ends the streams of sessions and tokens that have ended, or whose rights are others now. */
void auth_end_streams(struct api *api);

#define AUTH_COOKIE "__Host-postern"
/* The value of our cookie; empty: it did not come, or came twice. */
struct slice auth_cookie(const struct api_exchange *exchange);

json_t *problem_error_list(const struct config_errors *errors);

#endif
