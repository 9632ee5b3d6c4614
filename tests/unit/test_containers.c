/* base/list, heap, hmap, idgen and crc32c: each held against a slow, obvious model or published
 * values. */
#include "base/heap.h"
#include "base/hmap.h"
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/idgen.h"
#include "base/mem.h"

struct item {
    struct list node;
    int value;
};

static void test_list(void **state)
{
    (void)state;
    struct list head;
    struct item items[4];
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_pop(&head));
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        list_init(&items[i].node);
        list_remove(&items[i].node); /* in no list: harmless */
    }
    list_append(&head, &items[1].node);
    list_append(&head, &items[2].node);
    list_prepend(&head, &items[0].node);
    list_append(&head, &items[3].node);
    int want = 0;
    LIST_FOREACH(it, next, &head)
    {
        assert_int_equal(CONTAINER_OF(it, struct item, node)->value, want);
        if (want == 1)
            list_remove(it);
        want++;
    }
    assert_int_equal(want, 4);
    assert_ptr_equal(list_pop(&head), &items[0].node);
    assert_ptr_equal(list_pop(&head), &items[2].node);
    assert_ptr_equal(list_pop(&head), &items[3].node);
    assert_true(list_is_empty(&head));
}

enum { HEAP_NODES = 200 };

static void assert_heap_least(const struct heap *h, const struct heap_node *nodes)
{
    uint64_t least = UINT64_MAX;
    size_t count = 0;
    for (size_t i = 0; i < HEAP_NODES; i++) {
        if (nodes[i].index == 0)
            continue;
        assert_ptr_equal(h->nodes[nodes[i].index], &nodes[i]);
        count++;
        if (nodes[i].key < least)
            least = nodes[i].key;
    }
    assert_int_equal(h->count, count);
    if (count == 0)
        assert_null(heap_peek(h));
    else
        assert_int_equal(heap_peek(h)->key, least);
}

static void test_heap_any_mix(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 0);
    struct heap h;
    struct heap_node nodes[HEAP_NODES] = {0};
    heap_init(&h);
    for (int step = 0; step < 20000; step++) {
        struct heap_node *node = &nodes[clock_random_below(&fake.clock, HEAP_NODES)];
        /* Adding one that is in already re-keys it; removing one that is not does nothing. */
        if (clock_random_below(&fake.clock, 3) > 0)
            heap_add(&h, node, clock_random_below(&fake.clock, 50));
        else
            heap_remove(&h, node);
        assert_heap_least(&h, nodes);
    }
    uint64_t last = 0;
    while (heap_peek(&h) != NULL) {
        struct heap_node *node = heap_peek(&h);
        assert_true(node->key >= last);
        last = node->key;
        heap_remove(&h, node);
        assert_int_equal(node->index, 0);
    }
    heap_add(&h, &nodes[0], 1);
    heap_finish(&h);
    assert_int_equal(nodes[0].index, 0);
    heap_finish(NULL);
}

static void test_hmap_numbers(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct hmap m;
    struct hmap_node *nodes = mem_array(N, sizeof(*nodes));
    hmap_init(&m);
    assert_null(hmap_find_number(&m, 1));
    assert_null(hmap_first(&m));
    for (uint64_t i = 0; i < N; i++)
        hmap_add_number(&m, &nodes[i], i * 1024);
    assert_int_equal(m.count, N);
    for (uint64_t i = 0; i < N; i++)
        assert_ptr_equal(hmap_find_number(&m, i * 1024), &nodes[i]);
    assert_null(hmap_find_number(&m, 1));

    size_t seen = 0;
    struct hmap_node *node = hmap_first(&m);
    while (node != NULL) {
        struct hmap_node *next = hmap_after(&m, node);
        seen++;
        if (node->number % 2048 == 0)
            hmap_remove(&m, node);
        node = next;
    }
    assert_int_equal(seen, N);
    assert_int_equal(m.count, N / 2);
    for (uint64_t i = 0; i < N; i++) {
        struct hmap_node *want = i % 2 == 0 ? NULL : &nodes[i];
        assert_ptr_equal(hmap_find_number(&m, i * 1024), want);
    }
    hmap_finish(&m);
    hmap_finish(NULL);
    free(nodes);
}

static void test_hmap_bytes(void **state)
{
    (void)state;
    struct hmap m;
    static const char *keys[] = {
        "", "a", "example.test", "example.tesu", "EXAMPLE.TEST", "12345678", "123456789"};
    struct hmap_node nodes[ARRAY_LEN(keys)];
    hmap_init(&m);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_null(hmap_find(&m, slice_str(keys[i])));
        hmap_add(&m, &nodes[i], slice_str(keys[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_ptr_equal(hmap_find(&m, slice_str(keys[i])), &nodes[i]);
    assert_null(hmap_find(&m, SLICE("example.tes")));
    hmap_remove(&m, &nodes[2]);
    assert_null(hmap_find(&m, SLICE("example.test")));
    assert_ptr_equal(hmap_find(&m, SLICE("example.tesu")), &nodes[3]);
    hmap_finish(&m);
}

static void test_hash_spreads(void **state)
{
    (void)state;
    enum { N = 4096, BUCKETS = 64 };
    unsigned seen[BUCKETS] = {0};
    for (int i = 0; i < N; i++) {
        char key[32];
        int len = snprintf(key, sizeof(key), "host%d.example.test", i);
        seen[hmap_hash(slice_of(key, (size_t)len)) % BUCKETS]++;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        assert_in_range(seen[i], 16, 160);
}

static void test_crc32c(void **state)
{
    (void)state;
    /* RFC 3720 B.4 and the catalogued check value. */
    unsigned char bytes[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43u);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794eu);
    assert_int_equal(crc32c_portable(0, bytes, 32), 0x46dd794eu);
    assert_int_equal(crc32c(7, bytes, 0), 7);
}

static void test_crc32c_any_split(void **state)
{
    (void)state;
    struct clock_fake fake;
    unsigned char bytes[123];
    clock_fake_init(&fake, 0);
    fake.clock.random(&fake.clock, bytes, sizeof(bytes));
    uint32_t whole = crc32c(0, bytes, sizeof(bytes));
    for (size_t at = 0; at <= sizeof(bytes); at++) {
        assert_int_equal(crc32c(crc32c(0, bytes, at), bytes + at, sizeof(bytes) - at), whole);
        assert_int_equal(crc32c(0, bytes + at, sizeof(bytes) - at),
                         crc32c_portable(0, bytes + at, sizeof(bytes) - at));
    }
}

static uint64_t asked_limit;
static unsigned asked_times;

static void note_reserve(struct idgen *gen, uint64_t new_limit)
{
    assert_ptr_equal(gen->owner, &asked_times);
    asked_limit = new_limit;
    asked_times++;
}

static void test_idgen(void **state)
{
    (void)state;
    struct idgen gen;
    asked_times = 0;
    idgen_init(&gen, 1, 1 + IDGEN_BLOCK, note_reserve, &asked_times);
    for (uint64_t want = 1; want <= IDGEN_BLOCK; want++) {
        assert_int_equal(idgen_take(&gen), want);
        assert_int_equal(asked_times, want >= IDGEN_BLOCK / 2 ? 1 : 0);
    }
    assert_int_equal(asked_limit, 1 + 2 * IDGEN_BLOCK);
    /* Dry: nothing that is not durable is given out, and nothing is asked twice. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(idgen_take(&gen), 0);
    assert_int_equal(asked_times, 1);
    idgen_extend(&gen, asked_limit);
    assert_int_equal(idgen_take(&gen), 1 + IDGEN_BLOCK);
    assert_int_equal(asked_times, 1);
}

static void test_idgen_asks_again_after_failure(void **state)
{
    (void)state;
    struct idgen gen;
    asked_times = 0;
    idgen_init(&gen, 7, 7, note_reserve, &asked_times);
    assert_int_equal(idgen_take(&gen), 0);
    assert_int_equal(asked_times, 1);
    idgen_extend(&gen, 7);
    assert_int_equal(idgen_take(&gen), 0);
    assert_int_equal(asked_times, 2);
    idgen_extend(&gen, asked_limit);
    assert_int_equal(idgen_take(&gen), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_heap_any_mix),
        cmocka_unit_test(test_hmap_numbers),
        cmocka_unit_test(test_hmap_bytes),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_crc32c),
        cmocka_unit_test(test_crc32c_any_split),
        cmocka_unit_test(test_idgen),
        cmocka_unit_test(test_idgen_asks_again_after_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
