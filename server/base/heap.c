/* The intrusive binary min-heap: see heap.h.
 *
 * nodes[1] is the least; the children of nodes[i] are nodes[2i] and nodes[2i + 1], and no child has
 * a smaller key than its parent. Each node knows its own index, so removing or re-keying one from
 * the middle needs no search. Nodes of equal key come out in no promised order.
 * Owner thread: whoever embeds it. */
#include "base/heap.h"

#include "base/mem.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_finish(struct heap *h)
{
    if (h == NULL)
        return;
    for (size_t i = 1; i <= h->count; i++)
        h->nodes[i]->index = 0;
    free(h->nodes);
    *h = (struct heap){0};
}

static void place(struct heap *h, struct heap_node *node, size_t index)
{
    h->nodes[index] = node;
    node->index = index;
}

static void sift_up(struct heap *h, struct heap_node *node, size_t index)
{
    while (index > 1 && node->key < h->nodes[index / 2]->key) {
        place(h, h->nodes[index / 2], index);
        index /= 2;
    }
    place(h, node, index);
}

static void sift_down(struct heap *h, struct heap_node *node, size_t index)
{
    for (;;) {
        size_t child = index * 2;
        if (child > h->count)
            break;
        if (child < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
            child++;
        if (node->key <= h->nodes[child]->key)
            break;
        place(h, h->nodes[child], index);
        index = child;
    }
    place(h, node, index);
}

void heap_add(struct heap *h, struct heap_node *node, uint64_t key)
{
    /* Adding a node that is in this heap already gives it the new key. */
    heap_remove(h, node);
    if (h->count + 1 >= h->size) {
        h->size = h->size == 0 ? 16 : h->size * 2;
        h->nodes = mem_realloc(h->nodes, h->size * sizeof(struct heap_node *));
    }
    node->key = key;
    h->count++;
    sift_up(h, node, h->count);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->index == 0)
        return;
    size_t index = node->index;
    ASSERT(index <= h->count && h->nodes[index] == node);
    struct heap_node *last = h->nodes[h->count];
    h->count--;
    node->index = 0;
    if (last == node)
        return;
    if (index > 1 && last->key < h->nodes[index / 2]->key)
        sift_up(h, last, index);
    else
        sift_down(h, last, index);
}

struct heap_node *heap_peek(const struct heap *h)
{
    return h->count == 0 ? NULL : h->nodes[1];
}
