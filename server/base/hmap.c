/* The intrusive hash map: see hmap.h.
 *
 * Byte keys are hashed with SipHash-1-3 under a random key drawn once a process: whoever sends us
 * mail chooses domains and addresses, and must not be able to choose chains. Number keys are ours
 * (MIDs, connection numbers), mixed by SplitMix64's finalizer under the same key.
 *
 * The bucket count is a power of two, doubled when there are more nodes than buckets; it never
 * shrinks, since a map that was large once will be again. Owner thread: whoever embeds it; the
 * process key is set under pthread_once and read only afterwards. */
#include "base/hmap.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"

enum { HMAP_BUCKETS_MIN = 16 };

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_draw(void)
{
    const struct clock *clock = clock_system();
    clock->random(clock, seed, sizeof(seed));
}

static void seed_need(void)
{
    int r = pthread_once(&seed_once, seed_draw);
    ASSERT(r == 0);
}

static uint64_t rotate_left(uint64_t v, unsigned by)
{
    return (v << by) | (v >> (64 - by));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[2] = rotate_left(v[2], 32);
}

uint64_t hmap_hash(struct slice key)
{
    seed_need();
    uint64_t v[4] = {
        seed[0] ^ 0x736f6d6570736575u,
        seed[1] ^ 0x646f72616e646f6du,
        seed[0] ^ 0x6c7967656e657261u,
        seed[1] ^ 0x7465646279746573u,
    };
    const char *at = key.p;
    size_t left = key.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.len << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)(unsigned char)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_number(uint64_t number)
{
    seed_need();
    uint64_t z = number + seed[0];
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void hmap_init(struct hmap *m)
{
    *m = (struct hmap){0};
}

void hmap_finish(struct hmap *m)
{
    if (m == NULL)
        return;
    free(m->buckets);
    *m = (struct hmap){0};
}

static void grow(struct hmap *m)
{
    size_t bucket_count = m->bucket_count == 0 ? HMAP_BUCKETS_MIN : m->bucket_count * 2;
    struct hmap_node **buckets = mem_array(bucket_count, sizeof(struct hmap_node *));
    for (size_t i = 0; i < m->bucket_count; i++) {
        struct hmap_node *node = m->buckets[i];
        while (node != NULL) {
            struct hmap_node *next = node->next;
            size_t to = (size_t)node->hash & (bucket_count - 1);
            node->next = buckets[to];
            buckets[to] = node;
            node = next;
        }
    }
    free(m->buckets);
    m->buckets = buckets;
    m->bucket_count = bucket_count;
}

static void add(struct hmap *m, struct hmap_node *node)
{
    if (m->count >= m->bucket_count)
        grow(m);
    size_t at = (size_t)node->hash & (m->bucket_count - 1);
    node->next = m->buckets[at];
    m->buckets[at] = node;
    m->count++;
}

static struct hmap_node *find(const struct hmap *m, uint64_t hash, uint64_t number,
                              struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct hmap_node *node = m->buckets[(size_t)hash & (m->bucket_count - 1)];
    while (node != NULL) {
        if (node->hash == hash && node->number == number && slice_eq(node->key, key))
            return node;
        node = node->next;
    }
    return NULL;
}

void hmap_add_number(struct hmap *m, struct hmap_node *node, uint64_t number)
{
    *node = (struct hmap_node){.hash = hash_number(number), .number = number};
    ASSERT(find(m, node->hash, number, node->key) == NULL);
    add(m, node);
}

void hmap_add(struct hmap *m, struct hmap_node *node, struct slice key)
{
    *node = (struct hmap_node){.hash = hmap_hash(key), .key = key};
    ASSERT(find(m, node->hash, 0, key) == NULL);
    add(m, node);
}

struct hmap_node *hmap_find_number(const struct hmap *m, uint64_t number)
{
    return find(m, hash_number(number), number, (struct slice){0});
}

struct hmap_node *hmap_find(const struct hmap *m, struct slice key)
{
    return find(m, hmap_hash(key), 0, key);
}

void hmap_remove(struct hmap *m, struct hmap_node *node)
{
    ASSERT(m->count > 0);
    struct hmap_node **at = &m->buckets[(size_t)node->hash & (m->bucket_count - 1)];
    while (*at != node) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    m->count--;
}

static struct hmap_node *first_from(const struct hmap *m, size_t bucket)
{
    for (; bucket < m->bucket_count; bucket++) {
        if (m->buckets[bucket] != NULL)
            return m->buckets[bucket];
    }
    return NULL;
}

struct hmap_node *hmap_first(const struct hmap *m)
{
    return first_from(m, 0);
}

struct hmap_node *hmap_after(const struct hmap *m, const struct hmap_node *node)
{
    if (node->next != NULL)
        return node->next;
    return first_from(m, ((size_t)node->hash & (m->bucket_count - 1)) + 1);
}
