/* Segment replay on bytes of any kind: nothing is read out of bounds, what is taken for a record is
 * one, and the scan ends. Two views of the input: as a segment file, and as the head of single
 * records (checksums would keep the fuzzer out of those). */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue/recover.h"
#include "queue/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct recover_messages messages;
    uint64_t last_end;
};

static void on_record(void *ctx, const struct segment_record *found)
{
    struct run *run = ctx;
    ASSERT(found->offset >= run->last_end);
    run->last_end = found->offset + RECORD_HEADER_BYTES + found->head.len;
    bool is_taken = recover_record(&run->messages, 1, found);
    (void)is_taken; /* either answer is fine */
}

static void on_live(void *ctx, struct envelope *env, const struct spool_location *location)
{
    (void)ctx;
    ASSERT(env->mid == location->mid && env->rcpt_count > 0);
    envelope_destroy(env);
}

static const struct spool_opts opts = {.replay = on_live};

static void scan_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("segment", MFD_CLOEXEC);
    ASSERT(fd >= 0);
    ssize_t n = write(fd, data, size);
    ASSERT(n == (ssize_t)size);
    struct run run = {.last_end = 0};
    recover_messages_init(&run.messages);
    const struct segment_scan scan = {.salt = 1, .ctx = &run, .record = on_record};
    uint64_t end;
    int r = segment_scan(fd, &scan, &end, NULL);
    ASSERT(r == 0 && end <= size);
    recover_messages_give(&run.messages, &opts);
    recover_messages_finish(&run.messages);
    (void)close(fd); /* memory only */
}

/* Byte 0: how many bytes the next head has; then its type; then the head. All about one message. */
static void replay_heads(const uint8_t *data, size_t size)
{
    struct recover_messages messages;
    recover_messages_init(&messages);
    while (size >= 2) {
        size_t len = data[0] < size - 2 ? data[0] : size - 2;
        struct segment_record found = {
            .record = {.type = (enum record_type)(RECORD_TYPE_MESSAGE + data[1] % 5),
                       .mid = data[1] / 5 % 3 + 1u},
            .head = slice_of((const char *)data + 2, len),
        };
        bool is_taken = recover_record(&messages, 1, &found);
        (void)is_taken; /* either answer is fine */
        data += 2 + len;
        size -= 2 + len;
    }
    recover_messages_give(&messages, &opts);
    recover_messages_finish(&messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_file(data, size);
    replay_heads(data, size);
    return 0;
}
