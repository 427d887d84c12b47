/* base/heap.c - a binary heap whose items know their place. */
#include "base/heap.h"

#include "base/array.h"
#include <stdbool.h>

static bool earlier(const struct heap_item *a, const struct heap_item *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void put(struct heap *h, size_t at, struct heap_item *item)
{
    h->items[at] = item;
    item->at = at + 1;
}

static void sift_up(struct heap *h, size_t at, struct heap_item *item)
{
    while (at > 0) {
        const size_t parent = (at - 1) / 2;

        if (!earlier(item, h->items[parent]))
            break;
        put(h, at, h->items[parent]);
        at = parent;
    }
    put(h, at, item);
}

static void sift_down(struct heap *h, size_t at, struct heap_item *item)
{
    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= h->n)
            break;
        if (child + 1 < h->n && earlier(h->items[child + 1], h->items[child]))
            child++;
        if (!earlier(h->items[child], item))
            break;
        put(h, at, h->items[child]);
        at = child;
    }
    put(h, at, item);
}

void heap_add(struct heap *h, struct heap_item *item)
{
    heap_del(h, item);
    item->order = h->next_order++;
    ARRAY_ADD(h, item);
    sift_up(h, h->n - 1, item);
}

void heap_del(struct heap *h, struct heap_item *item)
{
    if (item->at == 0)
        return;
    const size_t at = item->at - 1;
    struct heap_item *last = h->items[--h->n];

    item->at = 0;
    if (last == item)
        return;
    if (at > 0 && earlier(last, h->items[(at - 1) / 2]))
        sift_up(h, at, last);
    else
        sift_down(h, at, last);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->n ? h->items[0] : NULL;
}

void heap_done(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++)
        h->items[i]->at = 0;
    ARRAY_DONE(h);
}
