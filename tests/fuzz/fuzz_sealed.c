/* Sealed texts on any bytes: nothing crashes, Argon2id never gets more than a little, what does not
 * open says why, and what was sealed opens again and is changed by no other byte. */
#include <stddef.h>
#include <stdint.h>

#include "pki/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sealed_cost LITTLE = {1, 64};
static const struct sealed_cost LEAST = {1, SEALED_MEMORY_KIB_MIN};

#define PASSPHRASE SLICE("a fuzzer's passphrase")

static void open_hostile(struct slice text)
{
    struct error error = {0};
    struct buf plain;
    buf_init_secret(&plain, 0);
    enum sealed_fault fault = sealed_open(text, PASSPHRASE, &LITTLE, &plain, &error);
    ASSERT(fault == SEALED_FAULT_NONE || (buf_len(&plain) == 0 && error.text[0] != '\0'));
    ASSERT(fault != SEALED_FAULT_NONE || sealed_is_sealed(text));
    buf_finish(&plain);
}

/* The input as plain bytes; its first two say which byte of the text is changed, and how. */
static void round_trip(const uint8_t *data, size_t size)
{
    struct clock_fake clock;
    struct buf text, plain;
    struct slice bytes = slice_of((const char *)data, size);
    clock_fake_init(&clock, 0);
    buf_init(&text, 0);
    buf_init_secret(&plain, 0);
    enum sealed_fault fault = sealed_seal(bytes, PASSPHRASE, &clock.clock, &LEAST, &text, NULL);
    ASSERT(fault == SEALED_FAULT_NONE);
    fault = sealed_open(buf_slice(&text), PASSPHRASE, &LITTLE, &plain, NULL);
    ASSERT(fault == SEALED_FAULT_NONE && slice_eq(buf_slice(&plain), bytes));
    buf_clear(&plain, SIZE_MAX);
    text.data[data[0] * 7u % buf_len(&text)] = (char)data[1];
    fault = sealed_open(buf_slice(&text), PASSPHRASE, &LITTLE, &plain, NULL);
    ASSERT(fault != SEALED_FAULT_NONE || slice_eq(buf_slice(&plain), bytes));
    buf_finish(&plain);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_hostile(slice_of((const char *)data, size));
    if (size >= 2 && size <= SEALED_PLAIN_MAX)
        round_trip(data, size);
    return 0;
}
