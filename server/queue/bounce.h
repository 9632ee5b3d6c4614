/* Tells the sender: whom, about what, and never twice.
 *
 *   queue_job_done or expiry -> action NOTICE -> [worker] bounce_compose -> spool MESSAGE
 *     -> durable -> queue_add(report), queue_bounced(original) -> record of the original
 *
 * The recipients stay pending in the original until its report is durable: a crash in between tells
 * the sender twice at worst, never not at all. A message with the null sender is never answered
 * (RFC 5321 4.5.5, 6.1), and a report itself has the null sender, so no report breeds another.
 * A notice owns copies of all it needs: it may travel to a worker while the queue goes on. */
#ifndef POSTERN_QUEUE_BOUNCE_H
#define POSTERN_QUEUE_BOUNCE_H

#include "mail/envelope.h"
#include "queue/body.h"
#include "queue/outcome.h"

enum {
    BOUNCE_RCPTS_MAX = 100, /* in one notice */
    BOUNCE_STATUS_MAX = 12, /* `5.123.123` is the longest, RFC 3463 2 */
};

struct bounce_rcpt {
    uint16_t rid;
    char *address;
    const char *enhanced, *class_text; /* static */
    char status[BOUNCE_STATUS_MAX];    /* the peer's own code when it gave one, else ENHANCED */
    char *remote_host, *remote_text;   /* "" when nobody answered; text begins with its code */
};

struct bounce_notice {
    uint64_t mid; /* the original */
    char *sender;
    int64_t received_wall_ms;
    struct body *body; /* a reference of its own */
    struct bounce_rcpt *rcpts;
    size_t rcpt_count, rcpt_size;
};

/* NULL sender rule: false means nobody may be told. */
bool bounce_is_wanted(const struct envelope *env);
/* Takes over one reference to BODY (may be NULL: nothing is returned to the sender but the facts).
 */
struct bounce_notice *bounce_notice_create(const struct envelope *env, struct body *body);
void bounce_notice_add(struct bounce_notice *notice, const struct envelope *env, uint16_t rid,
                       const struct outcome *outcome, int code, struct slice enhanced,
                       struct slice text, struct slice remote_host);
void bounce_notice_destroy(struct bounce_notice *notice);

/* Builds the report: envelope (null sender, bounce_of set) and text, to be spooled as any message.
 * Blocks when the original is on disk: worker thread. A body that cannot be read is left out. The
 * text's bytes are acquired from the body budget; ERR_BUSY when it has none left: try again later.
 */
int bounce_compose(const struct bounce_notice *notice, uint64_t mid, struct slice host,
                   int64_t wall_ms, uint64_t salt, struct envelope **ret_env,
                   struct buf *ret_text) MUST_CHECK;

#endif
