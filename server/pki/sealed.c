/* Sealed texts: see sealed.h.
 *
 * What comes in is hostile until the tag is right, so before anything is spent on it: its length,
 * then one pass that counts what Jansson would have to allocate, then exact members, then bounds on
 * what Argon2id may take. The JSON is let go before Argon2id gets its memory.
 *
 * A key is derived anew for each text (new salt), so the nonce could be constant; it is random
 * because nobody should have to think about that twice. */
#include "pki/sealed.h"

#include <jansson.h>
#include <sodium.h>

#include "base/mem.h"

enum {
    SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
    KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BASE64 = sodium_base64_VARIANT_ORIGINAL,
    /* with the NUL */
    SALT_TEXT = sodium_base64_ENCODED_LEN(SALT_BYTES, BASE64),
    NONCE_TEXT = sodium_base64_ENCODED_LEN(NONCE_BYTES, BASE64),
    HEADER_TEXT = 512, /* the two, two numbers, names */
    /* Brackets, commas and colons outside strings. Ours has 16; a newer one may have more and
     * should still be told from rubbish. Each costs Jansson about 200 bytes. */
    SEPARATORS_MAX = 256,
};

_Static_assert((int)SEALED_MEMORY_KIB_MIN * 1024 == (int)crypto_pwhash_argon2id_MEMLIMIT_MIN, "");
_Static_assert(sodium_base64_ENCODED_LEN(SEALED_PLAIN_MAX + TAG_BYTES, BASE64) + HEADER_TEXT <=
                   SEALED_TEXT_MAX,
               "what can be sealed can be opened");

static const char MARK[] = "postern_sealed";
static const char KDF[] = "argon2id13";
static const char AEAD[] = "xchacha20poly1305-ietf";

static const struct sealed_cost COST = {SEALED_PASSES, SEALED_MEMORY_KIB};
static const struct sealed_cost MOST = {SEALED_PASSES_MAX, SEALED_MEMORY_KIB_MAX};

/* What the file says of itself: the associated data. */
struct header {
    struct sealed_cost cost;
    unsigned char salt[SALT_BYTES], nonce[NONCE_BYTES];
};

const char *sealed_fault_code(enum sealed_fault fault)
{
    switch (fault) {
    case SEALED_FAULT_NONE:
        break;
    case SEALED_FAULT_PASSPHRASE:
        return "sealed.passphrase";
    case SEALED_FAULT_SIZE:
        return "sealed.size";
    case SEALED_FAULT_FORM:
        return "sealed.form";
    case SEALED_FAULT_VERSION:
        return "sealed.version";
    case SEALED_FAULT_COST:
        return "sealed.cost";
    case SEALED_FAULT_OPEN:
        return "sealed.open";
    case SEALED_FAULT_MEMORY:
        return "sealed.memory";
    }
    return "";
}

static enum sealed_fault fail_form(struct error *reterr, const char *why)
{
    (void)error_set(reterr, ERR_INVALID, "no sealed file, or it was cut off or changed: %s", why);
    return SEALED_FAULT_FORM;
}

/* The two ways to write a header: FOR_PEOPLE as the head of the file, else as associated data. */
static size_t header_write(const struct header *header, bool for_people, char out[HEADER_TEXT])
{
    char salt[SALT_TEXT], nonce[NONCE_TEXT];
    (void)sodium_bin2base64(salt, sizeof(salt), header->salt, SALT_BYTES, BASE64);
    (void)sodium_bin2base64(nonce, sizeof(nonce), header->nonce, NONCE_BYTES, BASE64);
    int len;
    if (for_people)
        len = snprintf(out, HEADER_TEXT,
                       "{\n  \"%s\": %d,\n"
                       "  \"kdf\": {\"name\": \"%s\", \"memory_kib\": %u, \"passes\": %u,"
                       " \"salt\": \"%s\"},\n"
                       "  \"aead\": \"%s\",\n  \"nonce\": \"%s\",\n  \"data\": \"",
                       MARK, SEALED_VERSION, KDF, header->cost.memory_kib, header->cost.passes,
                       salt, AEAD, nonce);
    else
        len = snprintf(out, HEADER_TEXT,
                       "{\"aead\":\"%s\",\"kdf\":{\"memory_kib\":%u,\"name\":\"%s\",\"passes\":%u,"
                       "\"salt\":\"%s\"},\"nonce\":\"%s\",\"%s\":%d}",
                       AEAD, header->cost.memory_kib, KDF, header->cost.passes, salt, nonce, MARK,
                       SEALED_VERSION);
    ASSERT(len > 0 && len < HEADER_TEXT);
    return (size_t)len;
}

/* Blocks for as long as the cost says. The caller wipes KEY. */
static enum sealed_fault derive(struct slice passphrase, const struct header *header,
                                unsigned char key[KEY_BYTES], struct error *reterr)
{
    int r = sodium_init();
    ASSERT(r >= 0); /* it would have aborted: no random numbers on this system */
    r = crypto_pwhash(key, KEY_BYTES, passphrase.p, passphrase.len, header->salt,
                      header->cost.passes, (size_t)header->cost.memory_kib * 1024,
                      crypto_pwhash_ALG_ARGON2ID13);
    if (r == 0)
        return SEALED_FAULT_NONE;
    (void)error_set(reterr, ERR_BUSY, "Argon2id needs %u MiB of memory, which cannot be had now",
                    header->cost.memory_kib / 1024);
    return SEALED_FAULT_MEMORY;
}

static enum sealed_fault fail_size(struct error *reterr, const char *what, size_t len, size_t most)
{
    (void)error_set(reterr, ERR_FULL, "%s has %zu bytes, at most %zu are allowed", what, len, most);
    return SEALED_FAULT_SIZE;
}

/* CIPHER has room for the tag too. */
static enum sealed_fault encrypt(struct slice plain, struct slice passphrase,
                                 const struct header *header, unsigned char *cipher,
                                 struct error *reterr)
{
    char associated[HEADER_TEXT];
    unsigned char key[KEY_BYTES];
    size_t len = header_write(header, false, associated);
    enum sealed_fault fault = derive(passphrase, header, key, reterr);
    if (fault == SEALED_FAULT_NONE)
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            cipher, NULL, (const unsigned char *)plain.p, plain.len,
            (const unsigned char *)associated, len, NULL, header->nonce, key);
    mem_wipe(key, sizeof(key));
    return fault;
}

enum sealed_fault sealed_seal(struct slice plain, struct slice passphrase,
                              const struct clock *clock, const struct sealed_cost *cost,
                              struct buf *text, struct error *reterr)
{
    static const char TAIL[] = "\"\n}\n";
    struct header header = {.cost = cost == NULL ? COST : *cost};
    char head[HEADER_TEXT];
    if (passphrase.len < SEALED_PASSPHRASE_MIN || passphrase.len > SEALED_PASSPHRASE_MAX) {
        (void)error_set(reterr, ERR_INVALID, "a passphrase has %d to %d bytes, this has %zu",
                        SEALED_PASSPHRASE_MIN, SEALED_PASSPHRASE_MAX, passphrase.len);
        return SEALED_FAULT_PASSPHRASE;
    }
    if (plain.len > SEALED_PLAIN_MAX)
        return fail_size(reterr, "what is to be sealed", plain.len, SEALED_PLAIN_MAX);
    clock->random(clock, header.salt, sizeof(header.salt));
    clock->random(clock, header.nonce, sizeof(header.nonce));
    size_t head_len = header_write(&header, true, head);
    size_t cipher_len = plain.len + TAG_BYTES;
    size_t data_len = sodium_base64_encoded_len(cipher_len, BASE64); /* with a NUL */
    size_t whole = head_len + data_len - 1 + sizeof(TAIL) - 1;
    char *at = buf_reserve(text, whole + 1);
    if (at == NULL)
        return fail_size(reterr, "the sealed file", whole, text->cap_bytes);
    unsigned char *cipher = mem_alloc(cipher_len);
    enum sealed_fault fault = encrypt(plain, passphrase, &header, cipher, reterr);
    if (fault == SEALED_FAULT_NONE) {
        memcpy(at, head, head_len);
        (void)sodium_bin2base64(at + head_len, data_len, cipher, cipher_len, BASE64);
        memcpy(at + head_len + data_len - 1, TAIL, sizeof(TAIL)); /* its NUL is not counted */
        buf_commit(text, whole);
    }
    free(cipher);
    return fault;
}

/* What one pass over a text sees, without reading it as JSON. */
struct shape {
    bool has_mark;
    size_t separators;
};

/* Where the string that begins at AT ends, or the end of the text. */
static size_t string_end(struct slice text, size_t at)
{
    while (at < text.len && text.p[at] != '"')
        at += text.p[at] == '\\' ? 2 : 1;
    return at < text.len ? at : text.len;
}

/* RFC 8259 2 */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_mark(struct slice text, size_t begin, size_t end)
{
    if (!slice_eq(slice_of(text.p + begin, end - begin), SLICE(MARK)))
        return false;
    do
        end++;
    while (end < text.len && is_blank(text.p[end]));
    return end < text.len && text.p[end] == ':';
}

static struct shape look(struct slice text)
{
    struct shape shape = {false, 0};
    size_t depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '"') {
            size_t begin = i + 1;
            i = string_end(text, begin);
            shape.has_mark = shape.has_mark || (depth == 1 && is_mark(text, begin, i));
        } else if (c == '{' || c == '[') {
            depth++;
            shape.separators++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (c == ',' || c == ':') {
            shape.separators++;
        }
    }
    return shape;
}

bool sealed_is_sealed(struct slice text)
{
    return look(text).has_mark;
}

static bool decode(struct slice base64, unsigned char *out, size_t size, size_t *ret_len)
{
    return sodium_base642bin(out, size, base64.p, base64.len, NULL, ret_len, NULL, BASE64) == 0;
}

static bool decode_exactly(struct slice base64, unsigned char *out, size_t size)
{
    size_t len = 0;
    return decode(base64, out, size, &len) && len == size;
}

/* What the file holds; DATA lives as long as the JSON. */
struct members {
    struct header header;
    struct slice data;
};

static enum sealed_fault check_cost(json_int_t passes, json_int_t memory_kib,
                                    const struct sealed_cost *most, struct error *reterr)
{
    if (passes < 1 || memory_kib < SEALED_MEMORY_KIB_MIN)
        return fail_form(reterr, "less than one pass of Argon2id, or over less than 8 KiB");
    if (passes <= (json_int_t)most->passes && memory_kib <= (json_int_t)most->memory_kib)
        return SEALED_FAULT_NONE;
    (void)error_set(reterr, ERR_INVALID,
                    "the file asks for %lld passes of Argon2id over %lld KiB of memory; at most %u "
                    "and %u are allowed",
                    (long long)passes, (long long)memory_kib, most->passes, most->memory_kib);
    return SEALED_FAULT_COST;
}

static enum sealed_fault read_members(json_t *root, const struct sealed_cost *most,
                                      struct members *ret_members, struct error *reterr)
{
    json_t *mark = json_object_get(root, MARK);
    json_int_t version = json_integer_value(mark);
    if (version < 1)
        return fail_form(reterr, "\"postern_sealed\" is no number of a form");
    if (version > SEALED_VERSION) {
        (void)error_set(reterr, ERR_INVALID,
                        "the file was made by a newer Postern: its form is %lld, this one reads "
                        "forms up to %d",
                        (long long)version, SEALED_VERSION);
        return SEALED_FAULT_VERSION;
    }
    const char *kdf, *salt, *aead, *nonce, *data;
    size_t salt_len, nonce_len, data_len;
    json_int_t memory_kib, passes;
    int r = json_unpack_ex(
        root, NULL, JSON_STRICT, "{s:I, s:{s:s, s:I, s:I, s:s%}, s:s, s:s%, s:s%}", MARK, &version,
        "kdf", "name", &kdf, "memory_kib", &memory_kib, "passes", &passes, "salt", &salt, &salt_len,
        "aead", &aead, "nonce", &nonce, &nonce_len, "data", &data, &data_len);
    if (r < 0)
        return fail_form(reterr, "a member is missing, unknown or of the wrong type");
    if (strcmp(kdf, KDF) != 0 || strcmp(aead, AEAD) != 0)
        return fail_form(reterr, "another algorithm than a file of form 1 has");
    enum sealed_fault fault = check_cost(passes, memory_kib, most, reterr);
    if (fault != SEALED_FAULT_NONE)
        return fault;
    struct members members = {.data = slice_of(data, data_len)};
    members.header.cost = (struct sealed_cost){(uint32_t)passes, (uint32_t)memory_kib};
    if (!decode_exactly(slice_of(salt, salt_len), members.header.salt, SALT_BYTES) ||
        !decode_exactly(slice_of(nonce, nonce_len), members.header.nonce, NONCE_BYTES))
        return fail_form(reterr, "salt or nonce is not base64 of the right length");
    *ret_members = members;
    return SEALED_FAULT_NONE;
}

/* TEXT to header and *RET_CIPHER, which lies behind the end of PLAIN and is not counted yet. */
static enum sealed_fault read_text(struct slice text, const struct sealed_cost *most,
                                   struct buf *plain, struct header *ret_header,
                                   struct slice *ret_cipher, struct error *reterr)
{
    if (text.len > SEALED_TEXT_MAX)
        return fail_size(reterr, "the sealed file", text.len, SEALED_TEXT_MAX);
    struct shape shape = look(text);
    if (!shape.has_mark || shape.separators > SEPARATORS_MAX)
        return fail_form(reterr, shape.has_mark ? "more members than one has"
                                                : "there is no \"postern_sealed\" in it");
    json_t *root = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return fail_form(reterr, "it is not one complete JSON object");
    struct members members;
    enum sealed_fault fault = read_members(root, most, &members, reterr);
    if (fault == SEALED_FAULT_NONE) {
        size_t room = members.data.len / 4 * 3, len = 0;
        char *at = buf_reserve(plain, room);
        if (at == NULL)
            fault = fail_size(reterr, "what the file holds", room, plain->cap_bytes);
        else if (!decode(members.data, (unsigned char *)at, room, &len) || len < TAG_BYTES)
            fault = fail_form(reterr, "its data is not base64, or too short");
        *ret_header = members.header;
        *ret_cipher = slice_of(at, len);
    }
    json_decref(root);
    return fault;
}

enum sealed_fault sealed_open(struct slice text, struct slice passphrase,
                              const struct sealed_cost *most, struct buf *plain,
                              struct error *reterr)
{
    struct header header;
    struct slice cipher;
    char associated[HEADER_TEXT];
    unsigned char key[KEY_BYTES];
    if (passphrase.len == 0 || passphrase.len > SEALED_PASSPHRASE_MAX) {
        (void)error_set(reterr, ERR_INVALID, "a passphrase has 1 to %d bytes, this has %zu",
                        SEALED_PASSPHRASE_MAX, passphrase.len);
        return SEALED_FAULT_PASSPHRASE;
    }
    enum sealed_fault fault =
        read_text(text, most == NULL ? &MOST : most, plain, &header, &cipher, reterr);
    if (fault == SEALED_FAULT_NONE)
        fault = derive(passphrase, &header, key, reterr);
    if (fault != SEALED_FAULT_NONE)
        return fault;
    /* In place: nothing is written unless the tag is right. */
    unsigned char *at = (unsigned char *)plain->data + plain->end;
    size_t len = header_write(&header, false, associated);
    int r = crypto_aead_xchacha20poly1305_ietf_decrypt(
        at, NULL, NULL, at, cipher.len, (const unsigned char *)associated, len, header.nonce, key);
    mem_wipe(key, sizeof(key));
    if (r < 0) {
        (void)error_set(reterr, ERR_INVALID,
                        "the passphrase is wrong, or the file was changed or damaged; nobody can "
                        "tell which");
        return SEALED_FAULT_OPEN;
    }
    buf_commit(plain, cipher.len - TAG_BYTES);
    return SEALED_FAULT_NONE;
}
