/* Encoding and decoding of spool records: see record.h.
 *
 * Byte by byte, so that the files do not depend on the processor. What is decoded comes from a disk
 * that may lie: every length is checked before it is used. Pure, any thread. */
#include "queue/record.h"

#include "base/crc32c.h"

static void put(char *p, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (char)(uint8_t)(value >> (8 * i));
}

static uint64_t take(const char *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(uint8_t)p[i] << (8 * i);
    return value;
}

void record_u64_put(char *p, uint64_t value)
{
    put(p, 8, value);
}

uint64_t record_u64_take(const char *p)
{
    return take(p, 8);
}

void record_header_encode(const struct record *record, char out[RECORD_HEADER_BYTES])
{
    put(out, 4, RECORD_MAGIC);
    put(out + 4, 1, (uint64_t)record->type);
    put(out + 5, 1, record->flags);
    put(out + 6, 2, 0);
    put(out + 8, 4, record->head_len);
    put(out + 12, 4, record->body_len);
    put(out + 16, 8, record->mid);
    put(out + 24, 8, record->seq);
    put(out + 32, 8, record->salt);
    put(out + 40, 4, record->payload_crc);
    put(out + 44, 4, crc32c(0, out, 44));
}

bool record_header_decode(const char *p, struct record *ret_record)
{
    if (take(p, 4) != RECORD_MAGIC || take(p + 44, 4) != crc32c(0, p, 44))
        return false;
    uint64_t type = take(p + 4, 1);
    if (type < RECORD_TYPE_MESSAGE || type > RECORD_TYPE_DONE_LIST)
        return false;
    struct record record = {
        .type = (enum record_type)type,
        .flags = (uint8_t)take(p + 5, 1),
        .head_len = (uint32_t)take(p + 8, 4),
        .body_len = (uint32_t)take(p + 12, 4),
        .mid = take(p + 16, 8),
        .seq = take(p + 24, 8),
        .salt = take(p + 32, 8),
        .payload_crc = (uint32_t)take(p + 40, 4),
    };
    if (record_payload_bytes(&record) > RECORD_PAYLOAD_MAX)
        return false;
    *ret_record = record;
    return true;
}

uint64_t record_payload_bytes(const struct record *record)
{
    bool is_elsewhere = (record->flags & RECORD_FLAG_BODY_FILE) != 0;
    return (uint64_t)record->head_len + (is_elsewhere ? 0 : record->body_len);
}

uint64_t record_span(const struct record *record)
{
    return (RECORD_HEADER_BYTES + record_payload_bytes(record) + 7) / 8 * 8;
}

uint64_t record_salt(uint64_t spool_salt, uint64_t segment)
{
    /* SplitMix64's finalizer: neighbours share no bits. */
    uint64_t x = spool_salt + segment * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static bool is_same_state(const struct envelope_rcpt *a, const struct envelope_rcpt *b)
{
    return a->status == b->status &&
           (a->status != ENVELOPE_STATUS_PENDING ||
            (a->attempts == b->attempts && a->next_try_wall_ms == b->next_try_wall_ms));
}

bool record_state_encode(const struct envelope *env, struct buf *buf)
{
    size_t first = 0;
    while (first < env->rcpt_count) {
        const struct envelope_rcpt *rcpt = &env->rcpts[first];
        size_t end = first + 1;
        while (end < env->rcpt_count && is_same_state(rcpt, &env->rcpts[end]))
            end++;
        bool has_tries = rcpt->status == ENVELOPE_STATUS_PENDING && rcpt->attempts > 0;
        uint64_t run =
            (uint64_t)(end - first) << 3 | (uint64_t)rcpt->status << 1 | (has_tries ? 1u : 0u);
        uint64_t next = rcpt->next_try_wall_ms < 0 ? 0 : (uint64_t)rcpt->next_try_wall_ms;
        if (!envelope_varint_put(buf, run))
            return false;
        if (has_tries &&
            (!envelope_varint_put(buf, rcpt->attempts) || !envelope_varint_put(buf, next)))
            return false;
        first = end;
    }
    return true;
}

/* One walk over the runs; with APPLY it also changes the recipients. */
static bool state_walk(struct slice state, struct envelope *env, bool apply)
{
    size_t at = 0;
    while (state.len > 0) {
        uint64_t run, attempts = 0, next = 0;
        if (!envelope_varint_take(&state, &run))
            return false;
        uint64_t count = run >> 3;
        if (count == 0 || count > env->rcpt_count - at)
            return false;
        bool has_tries = (run & 1) != 0;
        if (has_tries &&
            (!envelope_varint_take(&state, &attempts) || !envelope_varint_take(&state, &next) ||
             attempts > UINT16_MAX || next > INT64_MAX))
            return false;
        for (size_t i = 0; apply && i < count; i++) {
            struct envelope_rcpt *rcpt = &env->rcpts[at + i];
            rcpt->status = (uint8_t)(run >> 1 & 3);
            rcpt->attempts = (uint16_t)attempts;
            rcpt->next_try_wall_ms = (int64_t)next;
        }
        at += (size_t)count;
    }
    return at == env->rcpt_count;
}

int record_state_apply(struct slice state, struct envelope *env)
{
    if (!state_walk(state, env, false))
        return ERR_INVALID;
    (void)state_walk(state, env, true); /* it has just been checked */
    return 0;
}
