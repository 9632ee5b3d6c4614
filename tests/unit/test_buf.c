/* base/buf and the arena of base/mem: caps refuse whole, contents survive growing, consuming and
 * clearing. The property: any mix of appends and consumes equals the same mix on a plain model. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

static void assert_holds(const struct buf *b, const char *want)
{
    assert_int_equal(buf_len(b), strlen(want));
    assert_true(slice_eq(buf_slice(b), slice_str(want)));
}

static void test_append(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_holds(&b, "");
    assert_string_equal(buf_cstr(&b), "");
    assert_true(buf_append_str(&b, "EHLO"));
    assert_true(buf_append_char(&b, ' '));
    assert_true(buf_append_slice(&b, SLICE("a.test")));
    assert_true(buf_printf(&b, " %d-%s", 7, "x"));
    assert_true(buf_append(&b, NULL, 0));
    assert_holds(&b, "EHLO a.test 7-x");
    assert_string_equal(buf_cstr(&b), "EHLO a.test 7-x");
    buf_consume(&b, 5);
    assert_string_equal(buf_cstr(&b), "a.test 7-x");
    buf_finish(&b);
    buf_finish(&b);
    buf_finish(NULL);
}

static void test_cap_refuses_whole(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_true(buf_append_str(&b, "0123456789"));
    assert_false(buf_append_char(&b, 'x'));
    assert_false(buf_printf(&b, "%s", "x"));
    assert_null(buf_reserve(&b, 1));
    assert_holds(&b, "0123456789");
    buf_consume(&b, 4);
    assert_false(buf_append_str(&b, "abcde"));
    assert_holds(&b, "456789");
    assert_true(buf_append_str(&b, "abcd"));
    assert_holds(&b, "456789abcd");
    assert_false(buf_append(&b, "", SIZE_MAX - 2));
    buf_finish(&b);
}

static void test_exact_fit_has_room_for_nul(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        struct buf b;
        buf_init(&b, 0);
        for (size_t i = 0; i < len; i++)
            assert_true(buf_append_char(&b, 'z'));
        assert_int_equal(strlen(buf_cstr(&b)), len);
        assert_true(buf_printf(&b, "%s", "end"));
        assert_int_equal(strlen(buf_cstr(&b)), len + 3);
        buf_finish(&b);
    }
}

static void test_reserve_commit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    char *at = buf_reserve(&b, 100);
    assert_non_null(at);
    memcpy(at, "hello", 5);
    assert_int_equal(buf_len(&b), 0);
    buf_commit(&b, 5);
    assert_holds(&b, "hello");
    assert_null(buf_reserve(&b, 96));
    assert_non_null(buf_reserve(&b, 95));
    buf_finish(&b);
}

static void test_clear(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_true(buf_append_str(&b, "some bytes"));
    char *before = b.data;
    buf_clear(&b, 4096);
    assert_holds(&b, "");
    assert_ptr_equal(b.data, before);
    for (int i = 0; i < 10000; i++)
        assert_true(buf_append_char(&b, 'y'));
    buf_clear(&b, 4096);
    assert_null(b.data);
    assert_true(buf_append_str(&b, "again"));
    assert_holds(&b, "again");
    buf_finish(&b);
}

static void test_any_mix_equals_the_model(void **state)
{
    (void)state;
    enum { CAP = 300 };
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    struct buf b;
    buf_init(&b, CAP);
    char model[CAP];
    size_t model_len = 0;
    char next = 0;

    for (int step = 0; step < 20000; step++) {
        size_t n = (size_t)clock_random_below(&fake.clock, 90);
        if (clock_random_below(&fake.clock, 2) == 0) {
            char piece[90];
            for (size_t i = 0; i < n; i++)
                piece[i] = next++;
            bool fits = model_len + n <= CAP;
            assert_int_equal(buf_append(&b, piece, n), fits);
            if (fits) {
                memcpy(model + model_len, piece, n);
                model_len += n;
            }
        } else {
            n = n < model_len ? n : model_len;
            buf_consume(&b, n);
            memmove(model, model + n, model_len - n);
            model_len -= n;
        }
        assert_true(slice_eq(buf_slice(&b), slice_of(model, model_len)));
    }
    buf_finish(&b);
}

/* The last wiped memory. */
static char *wiped;
static size_t wiped_bytes;

void __real_mem_wipe(void *p, size_t size_bytes);
void __wrap_mem_wipe(void *p, size_t size_bytes);

void __wrap_mem_wipe(void *p, size_t size_bytes)
{
    __real_mem_wipe(p, size_bytes);
    wiped = p;
    wiped_bytes = size_bytes;
}

static void assert_wiped(const char *data, size_t at_least)
{
    assert_ptr_equal(wiped, data);
    assert_true(wiped_bytes >= at_least);
    wiped = NULL;
}

static void test_secret(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 1000);
    assert_true(buf_append_str(&b, "key"));
    const char *old = b.data;
    assert_non_null(buf_reserve(&b, 900)); /* grows */
    assert_wiped(old, 3);
    assert_holds(&b, "key");
    old = b.data;
    buf_clear(&b, SIZE_MAX);
    assert_null(wiped);
    assert_true(buf_append_str(&b, "another"));
    buf_clear(&b, 0);
    assert_wiped(old, 900);
    assert_true(buf_append_str(&b, "third"));
    old = b.data;
    buf_finish(&b);
    assert_wiped(old, 5);
    assert_true(buf_append_str(&b, "fourth")); /* it still is one */
    old = b.data;
    buf_finish(&b);
    assert_wiped(old, 6);
    buf_finish(&b);

    buf_init(&b, 0);
    assert_true(buf_append_str(&b, "no secret"));
    buf_finish(&b);
    assert_null(wiped);
}

static void test_arena(void **state)
{
    (void)state;
    struct mem_arena arena;
    mem_arena_init(&arena);
    char *first = mem_arena_strndup(&arena, "postern", 4);
    for (size_t size = 1; size < 300000; size *= 3) {
        char *p = mem_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 'x', size);
    }
    assert_string_equal(first, "post");
    assert_true(arena.used_bytes > 200000);
    mem_arena_finish(&arena);
    assert_int_equal(arena.used_bytes, 0);
    mem_arena_finish(&arena);
}

static void test_mem(void **state)
{
    (void)state;
    SCOPED(mem_free_at) char *text = mem_printf("%d/%s", 42, "x");
    assert_string_equal(text, "42/x");
    SCOPED(mem_free_at) int *numbers = mem_array(3, sizeof(int));
    assert_int_equal(numbers[0] | numbers[1] | numbers[2], 0);
    char secret[4] = "key";
    mem_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, "\0\0\0\0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_cap_refuses_whole),
        cmocka_unit_test(test_exact_fit_has_room_for_nul),
        cmocka_unit_test(test_reserve_commit),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_any_mix_equals_the_model),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_mem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
