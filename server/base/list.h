/* Intrusive doubly linked list. A head and its links are both `struct list`; an unlinked node
 * points to itself. The list owns nothing. */
#ifndef POSTERN_BASE_LIST_H
#define POSTERN_BASE_LIST_H

#include <stdbool.h>

#include "base/compiler.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_append(head->next, node);
}

/* Safe on a node that is in no list. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_pop(struct list *head)
{
    struct list *node = head->next;
    if (node == head)
        return NULL;
    /* The analyzer takes the second of two nodes for the first, which was freed. */
    list_remove(node); // NOLINT(clang-analyzer-unix.Malloc)
    return node;
}

/* NEXT lets the body remove IT. */
#define LIST_FOREACH(it, next_, head)                                                              \
    for (struct list *it = (head)->next, *next_ = it->next; it != (head);                          \
         it = next_, next_ = it->next)

#endif
