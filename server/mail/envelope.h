/* The envelope of one message: who sent it, who is to get it, and how far that is.
 *
 * One owner at a time, handed over with the pointer: the session that takes the message, then the
 * queue. The envelope owns its strings. Addresses are as the client wrote them, without the angle
 * brackets; the null sender is the empty string.
 * The serial form (type, length, value; integers as varints) is what a spool record carries:
 * unknown types are skipped, so that a newer field does not make an older record unreadable. What
 * changes during delivery is not in it: that is the state record's (queue/record.h). The members
 * are open for reading; only queue/ changes the delivery members of a recipient. */
#ifndef POSTERN_MAIL_ENVELOPE_H
#define POSTERN_MAIL_ENVELOPE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

enum {
    ENVELOPE_RCPTS_MAX = 10000,
    ENVELOPE_BYTES_MAX = 786432, /* serial form; with a body in memory it fits LIMIT_RECORD_BYTES */
};

enum envelope_status {
    ENVELOPE_STATUS_PENDING = 0,   /* to be delivered */
    ENVELOPE_STATUS_DELIVERED = 1, /* the next hop took it */
    ENVELOPE_STATUS_BOUNCED = 2,   /* given up; the sender was told if there is one */
    ENVELOPE_STATUS_DELETED = 3,   /* an administrator took it out */
};

/* What a next hop said of a recipient, or why there was no answer. Not in any serial form. */
struct envelope_reply {
    int64_t at_wall_ms;
    int code; /* 200..599, or 0: there was no answer */
    uint16_t enhanced_len, text_len;
    char bytes[]; /* the enhanced code, then the text; from outside: any bytes */
};

struct envelope_rcpt {
    char *address;               /* NUL-terminated; its length beside it */
    struct envelope_reply *last; /* of the last try since start, or NULL; owned */
    int64_t next_try_wall_ms;    /* 0: at once */
    uint16_t address_len;
    uint16_t attempts; /* failed attempts so far */
    uint16_t ticket;   /* queue/'s own: which (message, destination) it belongs to */
    uint8_t status;    /* enum envelope_status */
};

struct envelope {
    uint64_t mid;
    uint64_t icid;      /* connection it came by; 0: made here */
    uint64_t bounce_of; /* MID this one reports on; 0: none */
    int64_t received_wall_ms;
    char *sender;
    struct envelope_rcpt *rcpts;
    uint32_t size_bytes; /* body as stored, trace header included */
    uint16_t sender_len;
    uint16_t rcpt_count, rcpt_size;
    uint32_t wire_bytes; /* upper bound of the serial form, for the cap */
    bool is_8bit;        /* BODY=8BITMIME was given, or the body has bytes over 127 */
    struct ip client_ip; /* family 0: made here */
};

/* SENDER is copied; longer than LIMIT_SMTP_PATH is cut off by no one here: the caller checked it.
 */
struct envelope *envelope_create(uint64_t mid, struct slice sender, int64_t received_wall_ms);
void envelope_destroy(struct envelope *env);
/* False when the envelope is full (ENVELOPE_RCPTS_MAX, ENVELOPE_BYTES_MAX): answer 452 4.5.3. Its
 * RID is the number it gets, from 0. */
bool envelope_rcpt_add(struct envelope *env, struct slice address) MUST_CHECK;
static inline struct slice envelope_sender(const struct envelope *env)
{
    return slice_of(env->sender, env->sender_len);
}
static inline struct slice envelope_rcpt_address(const struct envelope_rcpt *rcpt)
{
    return slice_of(rcpt->address, rcpt->address_len);
}
/* Appends the serial form; false only when BUF's cap is too small. */
bool envelope_encode(const struct envelope *env, struct buf *buf) MUST_CHECK;
/* ERR_INVALID on anything malformed; linear in the bytes. */
int envelope_decode(struct slice bytes, struct envelope **ret_env) MUST_CHECK;

/* Unsigned LEB128, shared with queue/record.h. False: does not fit, malformed, or over 10 bytes. */
bool envelope_varint_put(struct buf *buf, uint64_t value) MUST_CHECK;
bool envelope_varint_take(struct slice *bytes, uint64_t *ret_value) MUST_CHECK;

#endif
