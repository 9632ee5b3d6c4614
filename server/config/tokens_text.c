/* The text of an API token: see tokens_text.h. */
#include "config/tokens_text.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "config/base32.h"

enum {
    CHECK_BYTES = 4,
    ID_AT = 4,
    SECRET_AT = ID_AT + TOKEN_ID_LEN + 1,
    SECRET_LEN = BASE32_LEN(TOKEN_SECRET_BYTES),
    CHECK_AT = SECRET_AT + SECRET_LEN + 1,
    CHECK_LEN = BASE32_LEN(CHECK_BYTES),
};

_Static_assert(TOKEN_ID_LEN == BASE32_LEN(TOKEN_ID_BYTES), "the id's signs");
_Static_assert(TOKEN_TEXT_LEN == CHECK_AT + CHECK_LEN, "the whole text");

static void check_of(const char *text, char ret_check[CHECK_LEN + 1])
{
    uint32_t crc = crc32c(0, text, CHECK_AT - 1);
    const uint8_t bytes[CHECK_BYTES] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16),
                                        (uint8_t)(crc >> 8), (uint8_t)crc};
    base32_encode(bytes, sizeof(bytes), ret_check);
}

void token_text_make(const uint8_t id[TOKEN_ID_BYTES], const uint8_t secret[TOKEN_SECRET_BYTES],
                     char ret_text[TOKEN_TEXT_LEN + 1])
{
    memcpy(ret_text, "pst_", ID_AT);
    base32_encode(id, TOKEN_ID_BYTES, ret_text + ID_AT);
    ret_text[SECRET_AT - 1] = '_';
    base32_encode(secret, TOKEN_SECRET_BYTES, ret_text + SECRET_AT);
    ret_text[CHECK_AT - 1] = '_';
    check_of(ret_text, ret_text + CHECK_AT);
}

bool token_text_parse(struct slice text, struct slice *ret_id)
{
    uint8_t bytes[TOKEN_SECRET_BYTES];
    char check[CHECK_LEN + 1];
    if (text.len != TOKEN_TEXT_LEN || memcmp(text.p, "pst_", ID_AT) != 0 ||
        text.p[SECRET_AT - 1] != '_' || text.p[CHECK_AT - 1] != '_')
        return false;
    struct slice id = slice_of(text.p + ID_AT, TOKEN_ID_LEN);
    bool is_token = base32_decode(id, bytes, TOKEN_ID_BYTES) &&
                    base32_decode(slice_of(text.p + SECRET_AT, SECRET_LEN), bytes, sizeof(bytes));
    mem_wipe(bytes, sizeof(bytes));
    if (!is_token)
        return false;
    check_of(text.p, check);
    if (memcmp(text.p + CHECK_AT, check, CHECK_LEN) != 0)
        return false;
    *ret_id = id;
    return true;
}
