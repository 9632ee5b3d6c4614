/* The on-disk format of a spool segment, and of the state records in it.
 *
 * A segment is a sequence of records, each aligned to 8 bytes; all numbers little-endian:
 *
 *    0 magic u32          16 mid u64                  40 payload CRC-32C u32
 *    4 type u8            24 sequence u64             44 header CRC-32C u32 (of bytes 0..43)
 *    5 flags u8           32 salt u64                 48 head, then body, then zeros up to 8
 *    6 origin u16 (0: this node)
 *    8 head length u32
 *   12 body length u32 (size of the body's file with RECORD_FLAG_BODY_FILE: no body follows)
 *
 * The salt is the spool's random one mixed with the segment's number. It keeps old bytes of another
 * segment, and records that somebody wrote into the text of a message, from passing as records when
 * a damaged place is searched for the next good one.
 * The first record of a segment is RECORD_TYPE_SEGMENT: mid is its number, the head its version. */
#ifndef POSTERN_QUEUE_RECORD_H
#define POSTERN_QUEUE_RECORD_H

#include "mail/envelope.h"

enum {
    RECORD_HEADER_BYTES = 48,
    RECORD_MAGIC = 0x4e545350, /* "PSTN" */
    RECORD_VERSION = 1,
    RECORD_FLAG_BODY_FILE = 1,
    RECORD_PAYLOAD_MAX =
        2097152, /* a decoder's cap; what we write stays under LIMIT_RECORD_BYTES */
};

enum record_type {
    RECORD_TYPE_MESSAGE = 1,   /* head: envelope */
    RECORD_TYPE_STATE = 2,     /* head: state of all recipients; the last one counts */
    RECORD_TYPE_DONE = 3,      /* the message is finished */
    RECORD_TYPE_SEGMENT = 4,   /* begins a segment */
    RECORD_TYPE_DONE_LIST = 5, /* head: MIDs, u64 each, whose DONE was in a segment now removed */
};

struct record {
    enum record_type type;
    uint8_t flags;
    uint32_t head_len, body_len, payload_crc;
    uint64_t mid, seq, salt;
};

void record_header_encode(const struct record *record, char out[RECORD_HEADER_BYTES]);
/* False: not a header of ours. Does not look at salt or payload. */
bool record_header_decode(const char *p, struct record *ret_record) MUST_CHECK;
/* Bytes of head and body behind the header. */
uint64_t record_payload_bytes(const struct record *record);
/* The whole record with its padding. */
uint64_t record_span(const struct record *record);
uint64_t record_salt(uint64_t spool_salt, uint64_t segment);
void record_u64_put(char *p, uint64_t value);
uint64_t record_u64_take(const char *p);

/* Recipients' state as runs of equal ones: varint (count << 3 | status << 1 | has_tries), and with
 * has_tries varint attempts and varint next try (wall ms). */
bool record_state_encode(const struct envelope *env, struct buf *buf) MUST_CHECK;
/* ERR_INVALID, and nothing changed, unless it describes exactly the recipients there are. */
int record_state_apply(struct slice state, struct envelope *env) MUST_CHECK;

#endif
