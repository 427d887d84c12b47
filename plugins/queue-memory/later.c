/* later.c - the heap of messages that wait. Those with one time keep their order. */
#include "later.h"

#include <stdlib.h>

bool later_reserve(struct later *l, size_t n)
{
    size_t cap = l->cap ? l->cap : 64;
    struct message **items;

    if (n <= l->cap - l->n)
        return true;
    while (cap - l->n < n)
        cap *= 2;
    items = realloc(l->items, cap * sizeof(struct message *));
    if (!items)
        return false;
    l->items = items;
    l->cap = cap;
    return true;
}

static bool before(const struct message *a, const struct message *b)
{
    if (a->when_us != b->when_us)
        return a->when_us < b->when_us;
    return a->order < b->order;
}

void later_add(struct later *l, struct message *m)
{
    size_t at = l->n++;

    m->order = l->next_order++;
    while (at > 0 && before(m, l->items[(at - 1) / 2])) {
        l->items[at] = l->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->items[at] = m;
}

struct message *later_first(const struct later *l)
{
    return l->n > 0 ? l->items[0] : NULL;
}

struct message *later_take(struct later *l)
{
    struct message *first = l->items[0];
    struct message *last = l->items[--l->n];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < l->n && before(l->items[child + 1], l->items[child]))
            child++;
        if (child >= l->n || !before(l->items[child], last))
            break;
        l->items[at] = l->items[child];
        at = child;
    }
    l->items[at] = last;
    return first;
}

void later_done(struct later *l)
{
    free(l->items);
    *l = (struct later){0};
}
