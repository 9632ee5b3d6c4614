/* queue/segment and queue/record: what was written is read; cut anywhere it ends at a whole record;
 * damage in the middle costs one record; records made up in a message's text are not believed;
 * states. */
#include "queue/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/mem.h"

enum { SALT = 0x5eed, RECORDS = 5 };

struct seen {
    size_t count, damages;
    uint64_t mids[64], offsets[64], ends[64], body_bytes[64];
};

static void on_record(void *ctx, const struct segment_record *found)
{
    struct seen *seen = ctx;
    assert_true(seen->count < ARRAY_LEN(seen->mids));
    seen->mids[seen->count] = found->record.mid;
    seen->offsets[seen->count] = found->offset;
    seen->ends[seen->count] = found->offset + record_span(&found->record);
    seen->body_bytes[seen->count] = found->record.body_len;
    seen->count++;
}

static void on_damage(void *ctx, uint64_t from, uint64_t to)
{
    assert_true(from < to);
    ((struct seen *)ctx)->damages++;
}

static void put(struct buf *buf, uint64_t mid, struct slice head, struct slice body, uint64_t salt)
{
    char header[RECORD_HEADER_BYTES];
    const struct record record = {
        .type = RECORD_TYPE_MESSAGE,
        .head_len = (uint32_t)head.len,
        .body_len = (uint32_t)body.len,
        .payload_crc = crc32c(crc32c(0, head.p, head.len), body.p, body.len),
        .mid = mid,
        .seq = mid,
        .salt = salt,
    };
    record_header_encode(&record, header);
    assert_true(buf_append(buf, header, sizeof(header)));
    assert_true(buf_append_slice(buf, head) && buf_append_slice(buf, body));
    while (buf_len(buf) % 8 != 0)
        assert_true(buf_append_char(buf, '\0'));
}

/* Five records with payloads of all lengths modulo 8. */
static void build(struct buf *buf)
{
    buf_init(buf, 0);
    for (uint64_t mid = 1; mid <= RECORDS; mid++)
        put(buf, mid, slice_of("headheadhead", mid), slice_of("bodybodybody", mid + 2), SALT);
}

static uint64_t scan_bytes(struct slice bytes, struct seen *seen)
{
    int fd = memfd_create("segment", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.len), bytes.len);
    *seen = (struct seen){0};
    const struct segment_scan scan = {
        .salt = SALT, .ctx = seen, .record = on_record, .damage = on_damage};
    uint64_t end = UINT64_MAX;
    struct error err;
    assert_int_equal(segment_scan(fd, &scan, &end, &err), 0);
    (void)close(fd);
    return end;
}

static void test_whole(void **state)
{
    (void)state;
    struct buf buf;
    struct seen seen;
    build(&buf);
    assert_int_equal(scan_bytes(buf_slice(&buf), &seen), buf_len(&buf));
    assert_int_equal(seen.count, RECORDS);
    assert_int_equal(seen.damages, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(seen.mids[i], i + 1);
        assert_int_equal(seen.body_bytes[i], i + 3);
    }
    assert_int_equal(scan_bytes(SLICE(""), &seen), 0);
    assert_int_equal(seen.count, 0);
    buf_finish(&buf);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    struct buf buf;
    struct seen whole, seen;
    build(&buf);
    scan_bytes(buf_slice(&buf), &whole);
    for (size_t len = 0; len <= buf_len(&buf); len++) {
        uint64_t end = scan_bytes(slice_of(buf.data, len), &seen);
        size_t expected = 0;
        /* Only the padding of the last record may be missing. */
        while (expected < RECORDS &&
               whole.offsets[expected] + RECORD_HEADER_BYTES + 2 * expected + 4 <= len)
            expected++;
        assert_int_equal(seen.count, expected);
        assert_int_equal(seen.damages, 0);
        assert_true(end <= len);
        assert_true(expected == 0 ? end == 0 : end <= whole.ends[expected - 1]);
    }
    buf_finish(&buf);
}

/* Every single flipped byte loses at most the record it is in, and is noticed. */
static void test_flip_anywhere(void **state)
{
    (void)state;
    struct buf buf;
    struct seen whole, seen;
    build(&buf);
    scan_bytes(buf_slice(&buf), &whole);
    for (size_t at = 0; at < buf_len(&buf); at++) {
        buf.data[at] ^= 0x20;
        scan_bytes(buf_slice(&buf), &seen);
        buf.data[at] ^= 0x20;
        size_t hit = 0;
        while (at >= whole.ends[hit])
            hit++;
        bool is_padding = at >= whole.offsets[hit] + RECORD_HEADER_BYTES + 2 * hit + 4;
        assert_int_equal(seen.count, is_padding ? RECORDS : RECORDS - 1);
        assert_int_equal(seen.damages, is_padding || hit == RECORDS - 1 ? 0 : 1);
        for (size_t i = 0; i < seen.count; i++)
            assert_int_equal(seen.mids[i], is_padding || i < hit ? i + 1 : i + 2);
    }
    buf_finish(&buf);
}

/* A message carries a record in its text; its own header is damaged, so the search walks over it.
 */
static void test_forged_record(void **state)
{
    (void)state;
    struct buf forged, buf;
    struct seen seen;
    buf_init(&forged, 0);
    put(&forged, 99, SLICE("12345678"), SLICE("evil"), SALT + 1);
    buf_init(&buf, 0);
    put(&buf, 1, SLICE("12345678"), buf_slice(&forged), SALT);
    put(&buf, 2, SLICE("h"), SLICE("b"), SALT);
    buf.data[0] ^= 1;
    scan_bytes(buf_slice(&buf), &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.mids[0], 2);
    assert_int_equal(seen.damages, 1);
    /* The same with the right salt would be believed: the salt is what protects. */
    buf_finish(&forged);
    buf_init(&forged, 0);
    put(&forged, 99, SLICE("12345678"), SLICE("evil"), SALT);
    buf_finish(&buf);
    buf_init(&buf, 0);
    put(&buf, 1, SLICE("12345678"), buf_slice(&forged), SALT);
    buf.data[0] ^= 1;
    scan_bytes(buf_slice(&buf), &seen);
    assert_int_equal(seen.mids[0], 99);
    assert_true(record_salt(1, 1) != record_salt(1, 2) && record_salt(1, 1) != record_salt(2, 1));
    buf_finish(&forged);
    buf_finish(&buf);
}

static void test_names(void **state)
{
    (void)state;
    uint64_t number;
    char path[SEGMENT_PATH_MAX];
    assert_string_equal(segment_path("d", 7, path), "d/00000007.seg");
    assert_true(segment_name_parse("00000007.seg", &number));
    assert_int_equal(number, 7);
    static const char *bad[] = {"",
                                ".seg",
                                "7.seg",
                                "0000000x.seg",
                                "00000000.seg",
                                "00000007.tmp",
                                "99999999999.seg",
                                "reserve"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(segment_name_parse(bad[i], &number));
}

static void test_states(void **state)
{
    (void)state;
    struct envelope *env = envelope_create(1, SLICE("s@x"), 0);
    struct envelope *back = envelope_create(1, SLICE("s@x"), 0);
    struct buf buf;
    for (size_t i = 0; i < 40; i++) {
        assert_true(envelope_rcpt_add(env, SLICE("a@b")) && envelope_rcpt_add(back, SLICE("a@b")));
        env->rcpts[i].status = (uint8_t)(i < 10 ? ENVELOPE_STATUS_DELIVERED : i % 4);
        if (env->rcpts[i].status == ENVELOPE_STATUS_PENDING && i > 20) {
            env->rcpts[i].attempts = (uint16_t)(i / 8);
            env->rcpts[i].next_try_wall_ms = 1795520135000 + (int64_t)i / 8;
        }
    }
    buf_init(&buf, 0);
    assert_true(record_state_encode(env, &buf));
    assert_int_equal(record_state_apply(buf_slice(&buf), back), 0);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(back->rcpts[i].status, env->rcpts[i].status);
        assert_int_equal(back->rcpts[i].attempts, env->rcpts[i].attempts);
        assert_int_equal(back->rcpts[i].next_try_wall_ms, env->rcpts[i].next_try_wall_ms);
    }
    /* For another number of recipients, or cut: refused, and nothing changes. */
    for (size_t len = 0; len < buf_len(&buf); len++)
        assert_int_equal(record_state_apply(slice_of(buf.data, len), back), ERR_INVALID);
    assert_true(envelope_rcpt_add(back, SLICE("a@b")));
    assert_int_equal(record_state_apply(buf_slice(&buf), back), ERR_INVALID);
    assert_int_equal(back->rcpts[0].status, ENVELOPE_STATUS_DELIVERED);
    buf_finish(&buf);
    envelope_destroy(env);
    envelope_destroy(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_flip_anywhere), cmocka_unit_test(test_forged_record),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
