/* base/heap.h - a binary heap of (when, key) pairs, each with a place by which it
 * can be changed or removed: the timers. Ties come out in order of insertion. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t when;
    uint64_t order; /* set by heap_add */
    size_t at;      /* place in the heap plus 1; 0: not in it */
};

struct heap {
    struct heap_item **items;
    size_t n, cap;
    uint64_t next_order;
};

void heap_add(struct heap *h, struct heap_item *item); /* item->when is set */
void heap_del(struct heap *h, struct heap_item *item); /* not in it: does nothing */
struct heap_item *heap_first(const struct heap *h);    /* NULL when empty */
void heap_done(struct heap *h);

#endif
