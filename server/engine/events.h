/* The queue's decisions and a delivery's results as lines of the mail log, in one place, so that
 * the code which decides stays readable. Everything is emitted with the time of the call. */
#ifndef POSTERN_ENGINE_EVENTS_H
#define POSTERN_ENGINE_EVENTS_H

#include "engine/engine.h"
#include "engine/link.h"

/* Message done and the peer's answers, for the recipients that were delivered. */
void events_job_done(struct engine *engine, const struct link *link);
void events_delayed(struct engine *engine, uint64_t dcid, const struct queue_action *action);
void events_bounced(struct engine *engine, uint64_t dcid, const struct queue_action *action);
/* HOW: `done` or `aborted`. */
void events_message_finished(struct engine *engine, uint64_t mid, const char *how);
/* A report was made and is durable: its whole life up to the queue. */
void events_bounce_report(struct engine *engine, uint64_t original_mid, const struct envelope *env);

#endif
