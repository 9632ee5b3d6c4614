/* Intrusive hash map: chained, grows by doubling, keyed by a 64-bit number or by bytes.
 *
 * The map owns its bucket array only. A byte key must stay valid and unchanged while its node is in
 * the map. Byte hashing is SipHash-like keyed by a per-process random seed, because keys (domains,
 * addresses) come from outside. */
#ifndef POSTERN_BASE_HMAP_H
#define POSTERN_BASE_HMAP_H

#include <stdint.h>

#include "base/slice.h"

struct hmap_node {
    struct hmap_node *next;
    uint64_t hash;
    struct slice key; /* empty for number keys: then hash comes from `number` */
    uint64_t number;
};

struct hmap {
    struct hmap_node **buckets;
    size_t count, bucket_count;
};

void hmap_init(struct hmap *m);
void hmap_finish(struct hmap *m);
/* The key must not be in the map yet. */
void hmap_add_number(struct hmap *m, struct hmap_node *node, uint64_t number);
void hmap_add(struct hmap *m, struct hmap_node *node, struct slice key);
struct hmap_node *hmap_find_number(const struct hmap *m, uint64_t number);
struct hmap_node *hmap_find(const struct hmap *m, struct slice key);
void hmap_remove(struct hmap *m, struct hmap_node *node);
/* Walk in no order: hmap_first(m), hmap_after(m, node), NULL at the end. Adding during a walk is
 * not allowed; removing NODE after its successor was fetched is. */
struct hmap_node *hmap_first(const struct hmap *m);
struct hmap_node *hmap_after(const struct hmap *m, const struct hmap_node *node);
uint64_t hmap_hash(struct slice key);

#endif
