/* The API: from an exchange to an answer.
 *
 *   any thread: api_admit, api_handle -> main's mailbox
 *   main:       route -> method -> principal -> permission | body -> handler -> answer
 *
 * Everything behind the two doors runs on the main thread, which owns the store, so handlers are
 * plain code without locks. What takes longer than a few milliseconds (a password's hash, a search
 * in the log) goes to a worker, and the answer follows when it is back. */
#ifndef POSTERN_API_API_H
#define POSTERN_API_API_H

#include "api/exchange.h"
#include "api/feed.h"
#include "base/clock.h"
#include "base/mailbox.h"

struct api;
struct control;

struct api_settings {
    struct control *control; /* all these are borrowed */
    const struct clock *clock;
    struct mailbox *main; /* whose owner is the main thread */
    const struct feed *feed;
    const char *version;
};

struct api *api_create(const struct api_settings *settings);
/* Main thread; no exchange may be under way. NULL is allowed. */
void api_destroy(struct api *api);

/* Main thread, once a second: ends the streams of those who may no longer have them. */
void api_tick(struct api *api);

/* Any thread. Both answer through exchange->done. */
void api_admit(struct api *api, struct api_exchange *exchange);
void api_handle(struct api *api, struct api_exchange *exchange);

#endif
