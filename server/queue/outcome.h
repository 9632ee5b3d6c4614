/* Retry or give up: the one place that decides what an answer of the next hop means. The rules
 * stand in prose on top of outcome.c. Pure functions. */
#ifndef POSTERN_QUEUE_OUTCOME_H
#define POSTERN_QUEUE_OUTCOME_H

#include "base/slice.h"

/* How far the attempt came. */
enum outcome_stage {
    OUTCOME_STAGE_LOCAL,    /* our own side failed: body unreadable, no source address, shutdown */
    OUTCOME_STAGE_DNS,      /* looking for the next hop */
    OUTCOME_STAGE_CONNECT,  /* TCP */
    OUTCOME_STAGE_GREETING, /* waiting for 220 */
    OUTCOME_STAGE_EHLO,     /* EHLO and HELO */
    OUTCOME_STAGE_TLS,      /* STARTTLS, handshake, or the identity that was demanded */
    OUTCOME_STAGE_MAIL,
    OUTCOME_STAGE_RCPT,
    OUTCOME_STAGE_DATA, /* DATA and its 354, and while the text goes out */
    OUTCOME_STAGE_END,  /* the answer to the final dot: the only stage where 2xx means delivered */
};

/* Codes that no server sends, in place of a reply code. */
enum outcome_event {
    OUTCOME_EVENT_LOST = 1,      /* connection refused, reset or closed */
    OUTCOME_EVENT_TIMEOUT = 2,   /* no answer in time */
    OUTCOME_EVENT_NO_DOMAIN = 3, /* DNS: the domain does not exist */
    OUTCOME_EVENT_NULL_MX = 4,   /* DNS: the domain takes no mail, RFC 7505 */
    OUTCOME_EVENT_DNS = 5,       /* DNS gave no usable answer */
    OUTCOME_EVENT_ERROR = 6,     /* anything else, local or in TLS */
    OUTCOME_EVENT_NO_8BIT =
        7, /* the next hop does not offer 8BITMIME (RFC 6152), the text has 8 bits */
    OUTCOME_EVENT_TOO_BIG = 8, /* over the SIZE the next hop declared, RFC 1870 6.1 */
    OUTCOME_EVENT_LOOP = 9,    /* DNS: the best host of the domain is this one, RFC 5321 5.1 */
};

/* What happened to one recipient. The slices are borrowed for the call. */
struct outcome_result {
    enum outcome_stage stage;
    int code;                 /* 200..599, or enum outcome_event */
    struct slice enhanced;    /* the peer's `5.1.1`, or empty */
    struct slice text;        /* the peer's text without the codes, or the cause in words */
    struct slice remote_host; /* for the report: name or [address]; may be empty */
};

enum outcome_verdict {
    OUTCOME_VERDICT_DELIVERED, /* the next hop has it: finished */
    OUTCOME_VERDICT_RETRY,     /* later, by the retry curve */
    OUTCOME_VERDICT_BOUNCE,    /* never: tell the sender */
};

struct outcome {
    enum outcome_verdict verdict;
    const char *enhanced; /* our class: `5.1.0` */
    const char *text;     /* `Unknown address error` */
    bool is_destination;  /* the destination as a whole has the trouble, not this recipient */
};

struct outcome outcome_decide(const struct outcome_result *result);
/* What a peer said, as it said it: RFC 2034 4 has the enhanced code (which may be empty) on every
 * line. Lines are parted by \n. The caller frees it. */
char *outcome_said(struct slice enhanced, struct slice text) MUST_CHECK;
/* The class of a message that was tried too often or too long: 5.4.7. */
struct outcome outcome_expired(void);

#endif
