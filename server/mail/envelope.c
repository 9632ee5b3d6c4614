/* The envelope: see envelope.h.
 *
 * Serial form: a sequence of (type varint, length varint, bytes). Numbers are varints inside their
 * bytes. Recipients stand in the order of their RIDs. Decoding is strict about shape (lengths, a
 * known type's content, caps) and lenient about unknown types. Every field is at most a few hundred
 * bytes, so wire_bytes (kept while recipients are added) is an upper bound that costs nothing.
 * Owner: one at a time. RFC 5321 3.3 (envelope), 4.5.3.1 (lengths). */
#include "mail/envelope.h"

#include "base/limits.h"
#include "base/mem.h"

/* clang-format off */
enum envelope_field {
    ENVELOPE_FIELD_MID       = 1,
    ENVELOPE_FIELD_ICID      = 2,
    ENVELOPE_FIELD_BOUNCE_OF = 3,
    ENVELOPE_FIELD_RECEIVED  = 4, /* wall ms, as an unsigned number: before 1970 is not kept */
    ENVELOPE_FIELD_SIZE      = 5,
    ENVELOPE_FIELD_8BIT      = 6,
    ENVELOPE_FIELD_CLIENT_IP = 7, /* 4 or 16 bytes */
    ENVELOPE_FIELD_SENDER    = 8,
    ENVELOPE_FIELD_RCPT      = 9, /* once for each recipient */
};
/* clang-format on */

enum {
    ENVELOPE_FIXED_BYTES = 160,     /* all number fields and their headers, rounded up */
    ENVELOPE_FIELD_HEADER_BYTES = 4 /* type and length of an address */
};

bool envelope_varint_put(struct buf *buf, uint64_t value)
{
    char bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (char)(uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (char)(uint8_t)value;
    return buf_append(buf, bytes, len);
}

bool envelope_varint_take(struct slice *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes->len && i < 10; i++) {
        uint8_t byte = (uint8_t)bytes->p[i];
        /* The tenth byte has room for one bit only. */
        if (i == 9 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            bytes->p += i + 1;
            bytes->len -= i + 1;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

struct envelope *envelope_create(uint64_t mid, struct slice sender, int64_t received_wall_ms)
{
    struct envelope *env = MEM_NEW(struct envelope);
    ASSERT(sender.len <= UINT16_MAX);
    env->mid = mid;
    env->received_wall_ms = received_wall_ms;
    env->sender = mem_strndup(sender.p == NULL ? "" : sender.p, sender.len);
    env->sender_len = (uint16_t)sender.len;
    env->wire_bytes = ENVELOPE_FIXED_BYTES + env->sender_len;
    return env;
}

void envelope_destroy(struct envelope *env)
{
    if (env == NULL)
        return;
    for (size_t i = 0; i < env->rcpt_count; i++) {
        free(env->rcpts[i].address);
        free(env->rcpts[i].last);
    }
    free(env->rcpts);
    free(env->sender);
    free(env);
}

bool envelope_rcpt_add(struct envelope *env, struct slice address)
{
    if (address.len > LIMIT_SMTP_PATH || env->rcpt_count >= ENVELOPE_RCPTS_MAX)
        return false;
    uint32_t wire_bytes = env->wire_bytes + (uint32_t)address.len + ENVELOPE_FIELD_HEADER_BYTES;
    if (wire_bytes > ENVELOPE_BYTES_MAX)
        return false;
    if (env->rcpt_count == env->rcpt_size) {
        /* One recipient is the rule: it gets exactly its own room. */
        uint16_t size = env->rcpt_size == 0 ? 1 : (uint16_t)(env->rcpt_size * 2);
        env->rcpts = mem_realloc(env->rcpts, size * sizeof(struct envelope_rcpt));
        env->rcpt_size = size;
    }
    env->rcpts[env->rcpt_count++] = (struct envelope_rcpt){
        .address = mem_strndup(address.p, address.len),
        .address_len = (uint16_t)address.len,
        .status = ENVELOPE_STATUS_PENDING,
    };
    env->wire_bytes = wire_bytes;
    return true;
}

static bool put_bytes(struct buf *buf, enum envelope_field field, struct slice bytes)
{
    return envelope_varint_put(buf, (uint64_t)field) && envelope_varint_put(buf, bytes.len) &&
           buf_append_slice(buf, bytes);
}

static bool put_number(struct buf *buf, enum envelope_field field, uint64_t value)
{
    if (value == 0)
        return true; /* absent means zero */
    uint64_t length = 1;
    for (uint64_t rest = value; rest >= 0x80; rest >>= 7)
        length++;
    return envelope_varint_put(buf, (uint64_t)field) && envelope_varint_put(buf, length) &&
           envelope_varint_put(buf, value);
}

bool envelope_encode(const struct envelope *env, struct buf *buf)
{
    uint64_t received = env->received_wall_ms < 0 ? 0 : (uint64_t)env->received_wall_ms;
    bool fits = put_number(buf, ENVELOPE_FIELD_MID, env->mid) &&
                put_number(buf, ENVELOPE_FIELD_ICID, env->icid) &&
                put_number(buf, ENVELOPE_FIELD_BOUNCE_OF, env->bounce_of) &&
                put_number(buf, ENVELOPE_FIELD_RECEIVED, received) &&
                put_number(buf, ENVELOPE_FIELD_SIZE, env->size_bytes) &&
                put_number(buf, ENVELOPE_FIELD_8BIT, env->is_8bit ? 1 : 0) &&
                put_bytes(buf, ENVELOPE_FIELD_SENDER, envelope_sender(env));
    size_t ip_len = env->client_ip.family == 4 ? 4 : env->client_ip.family == 6 ? 16 : 0;
    if (fits && ip_len > 0)
        fits = put_bytes(buf, ENVELOPE_FIELD_CLIENT_IP,
                         slice_of((const char *)env->client_ip.bytes, ip_len));
    for (size_t i = 0; fits && i < env->rcpt_count; i++)
        fits = put_bytes(buf, ENVELOPE_FIELD_RCPT, envelope_rcpt_address(&env->rcpts[i]));
    return fits;
}

static bool take_ip(struct envelope *env, struct slice value)
{
    if (value.len != 4 && value.len != 16)
        return false;
    env->client_ip = (struct ip){.family = value.len == 4 ? 4 : 6};
    memcpy(env->client_ip.bytes, value.p, value.len);
    return true;
}

static bool take_sender(struct envelope *env, struct slice value)
{
    if (value.len > LIMIT_SMTP_PATH)
        return false;
    free(env->sender);
    env->sender = mem_strndup(value.p, value.len);
    env->sender_len = (uint16_t)value.len;
    return true;
}

static bool take_field(struct envelope *env, uint64_t field, struct slice value)
{
    if (field == ENVELOPE_FIELD_SENDER)
        return take_sender(env, value);
    if (field == ENVELOPE_FIELD_RCPT)
        return envelope_rcpt_add(env, value);
    if (field == ENVELOPE_FIELD_CLIENT_IP)
        return take_ip(env, value);
    if (field == 0 || field > ENVELOPE_FIELD_RCPT)
        return true; /* a later version's: not ours to understand */

    uint64_t number;
    if (!envelope_varint_take(&value, &number) || value.len != 0)
        return false;
    if (field == ENVELOPE_FIELD_MID)
        env->mid = number;
    if (field == ENVELOPE_FIELD_ICID)
        env->icid = number;
    if (field == ENVELOPE_FIELD_BOUNCE_OF)
        env->bounce_of = number;
    if (field == ENVELOPE_FIELD_RECEIVED) {
        if (number > INT64_MAX)
            return false;
        env->received_wall_ms = (int64_t)number;
    }
    if (field == ENVELOPE_FIELD_SIZE) {
        if (number > UINT32_MAX)
            return false;
        env->size_bytes = (uint32_t)number;
    }
    if (field == ENVELOPE_FIELD_8BIT)
        env->is_8bit = number != 0;
    return true;
}

int envelope_decode(struct slice bytes, struct envelope **ret_env)
{
    if (bytes.len > LIMIT_RECORD_BYTES)
        return ERR_INVALID;
    struct envelope *env = envelope_create(0, SLICE(""), 0);
    while (bytes.len > 0) {
        uint64_t field, length;
        if (!envelope_varint_take(&bytes, &field) || !envelope_varint_take(&bytes, &length) ||
            length > bytes.len || !take_field(env, field, slice_of(bytes.p, (size_t)length)))
            goto invalid;
        bytes.p += length;
        bytes.len -= (size_t)length;
    }
    if (env->mid == 0 || env->rcpt_count == 0)
        goto invalid;
    *ret_env = env;
    return 0;

invalid:
    envelope_destroy(env);
    return ERR_INVALID;
}
