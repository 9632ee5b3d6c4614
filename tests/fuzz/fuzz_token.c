/* Fuzz target: any bytes as the text of an API token.
 *
 * Properties: what is read is the text that its own parts make, and its id lies in it; the text
 * that is made of the input's first bytes is read, and no longer so when one bit of it is turned.
 */
#include "fuzz_target.h"

#include "config/base32.h"
#include "config/tokens_text.h"

static void check_read(struct slice text, struct slice id)
{
    uint8_t id_bytes[TOKEN_ID_BYTES], secret[TOKEN_SECRET_BYTES];
    char again[TOKEN_TEXT_LEN + 1];
    ASSERT(text.len == TOKEN_TEXT_LEN);
    ASSERT(id.p == text.p + 4 && id.len == TOKEN_ID_LEN);
    ASSERT(base32_decode(id, id_bytes, sizeof(id_bytes)));
    ASSERT(base32_decode(slice_of(text.p + 13, 32), secret, sizeof(secret)));
    token_text_make(id_bytes, secret, again);
    ASSERT(slice_eq(slice_str(again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[TOKEN_ID_BYTES + TOKEN_SECRET_BYTES] = {0};
    char text[TOKEN_TEXT_LEN + 1];
    struct slice id, input = slice_of((const char *)data, size);
    if (token_text_parse(input, &id))
        check_read(input, id);
    if (size > 0)
        memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    token_text_make(bytes, bytes + TOKEN_ID_BYTES, text);
    ASSERT(token_text_parse(slice_str(text), &id));
    check_read(slice_str(text), id);
    size_t at = size % (TOKEN_TEXT_LEN * 8UL);
    text[at / 8] = (char)(text[at / 8] ^ 1 << at % 8);
    ASSERT(!token_text_parse(slice_of(text, TOKEN_TEXT_LEN), &id));
    return 0;
}
