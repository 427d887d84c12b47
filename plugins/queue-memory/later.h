/* later.h - messages whose time has not come: a binary heap. */
#ifndef QUEUE_MEMORY_LATER_H
#define QUEUE_MEMORY_LATER_H

#include "message.h"

/* Zeroed is empty and ready. */
struct later {
    struct message **items;
    size_t n, cap;
    uint64_t next_order;
};

bool later_reserve(struct later *l, size_t n); /* room for n more; false: no memory */
void later_add(struct later *l, struct message *m); /* by m->when_us; room reserved */
struct message *later_first(const struct later *l); /* NULL when empty */
struct message *later_take(struct later *l);        /* the first; not empty */
void later_done(struct later *l);

#endif
