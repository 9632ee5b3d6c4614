/* mail/envelope: what goes in comes out, damaged bytes are refused or read as something whole,
 * caps. */
#include "mail/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"

static struct envelope *example(void)
{
    struct envelope *env = envelope_create(77, SLICE("s@example.org"), 1795520135123);
    env->icid = 300;
    env->bounce_of = 5;
    env->size_bytes = 4000000;
    env->is_8bit = true;
    assert_true(ip_parse(SLICE("2001:db8::7"), &env->client_ip));
    assert_true(envelope_rcpt_add(env, SLICE("a@example.test")));
    assert_true(envelope_rcpt_add(env, SLICE("\"b c\"@example.test")));
    return env;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct envelope *env = example(), *back;
    struct buf buf;
    buf_init(&buf, 0);
    assert_true(envelope_encode(env, &buf));
    assert_true(buf_len(&buf) <= env->wire_bytes);
    assert_int_equal(envelope_decode(buf_slice(&buf), &back), 0);
    assert_int_equal(back->mid, 77);
    assert_int_equal(back->icid, 300);
    assert_int_equal(back->bounce_of, 5);
    assert_int_equal(back->size_bytes, 4000000);
    assert_int_equal(back->received_wall_ms, 1795520135123);
    assert_true(back->is_8bit);
    assert_true(ip_eq(&back->client_ip, &env->client_ip));
    assert_string_equal(back->sender, "s@example.org");
    assert_int_equal(back->rcpt_count, 2);
    assert_string_equal(back->rcpts[1].address, "\"b c\"@example.test");
    envelope_destroy(back);

    /* A later version's field is skipped. */
    assert_true(buf_append(&buf, "\x63\x02zz", 4));
    assert_int_equal(envelope_decode(buf_slice(&buf), &back), 0);
    envelope_destroy(back);

    /* Cut anywhere, it is invalid or shorter, never read past its end. */
    struct slice bytes = buf_slice(&buf);
    for (size_t len = 0; len < bytes.len; len++) {
        char *exact = mem_alloc(len + 1);
        memcpy(exact, bytes.p, len);
        if (envelope_decode(slice_of(exact, len), &back) == 0)
            envelope_destroy(back);
        free(exact);
    }
    buf_finish(&buf);
    envelope_destroy(env);
}

static void test_invalid(void **state)
{
    (void)state;
    static const struct slice cases[] = {
        {"", 0},
        {"\x01\x01\x05", 3},                      /* no recipient */
        {"\x09\x01x", 3},                         /* no MID */
        {"\x01\x01\x05\x09\x7fx", 6},             /* length over the end */
        {"\x01\x01\x80\x09\x01x", 6},             /* unfinished number */
        {"\x01\x02\x05\x05\x09\x01x", 7},         /* number and something */
        {"\x07\x03zzz\x01\x01\x05\x09\x01x", 11}, /* address of 3 bytes */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01x", 12},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct envelope *env = NULL;
        if (envelope_decode(cases[i], &env) != ERR_INVALID)
            fail_msg("case %zu is taken", i);
        assert_null(env);
    }
}

static void test_caps(void **state)
{
    (void)state;
    char address[LIMIT_SMTP_PATH + 1];
    memset(address, 'a', sizeof(address));
    struct envelope *env = envelope_create(1, SLICE(""), 0);
    assert_false(envelope_rcpt_add(env, slice_of(address, sizeof(address))));
    size_t count = 0;
    while (envelope_rcpt_add(env, slice_of(address, LIMIT_SMTP_PATH)))
        count++;
    assert_true(count > 2000 && count < ENVELOPE_RCPTS_MAX);
    struct buf buf;
    buf_init(&buf, ENVELOPE_BYTES_MAX);
    assert_true(envelope_encode(env, &buf));
    buf_finish(&buf);
    envelope_destroy(env);

    env = envelope_create(1, SLICE(""), 0);
    for (count = 0; envelope_rcpt_add(env, SLICE("a@b")); count++)
        continue;
    assert_int_equal(count, ENVELOPE_RCPTS_MAX);
    envelope_destroy(env);
}

static void test_varints(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct buf buf;
        buf_init(&buf, 10);
        uint64_t value = (uint64_t)1 << bit, back = 0;
        assert_true(envelope_varint_put(&buf, value));
        struct slice bytes = buf_slice(&buf);
        assert_true(envelope_varint_take(&bytes, &back));
        assert_true(back == value && bytes.len == 0);
        buf_finish(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_varints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
