/* Intrusive min-heap by a 64-bit key (deadlines in ms). O(log n) add, remove and re-key; the heap
 * owns its array of pointers, never the nodes. A node not in a heap has index 0. */
#ifndef POSTERN_BASE_HEAP_H
#define POSTERN_BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct heap_node {
    uint64_t key;
    size_t index; /* place in the array, from 1; 0: in no heap */
};

struct heap {
    struct heap_node **nodes; /* nodes[1..count] */
    size_t count, size;
};

void heap_init(struct heap *h);
void heap_finish(struct heap *h);
void heap_add(struct heap *h, struct heap_node *node, uint64_t key);
/* No-op on a node in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The least node, or NULL. */
struct heap_node *heap_peek(const struct heap *h);

#endif
