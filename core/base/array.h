/* base/array.h - growing typed arrays.
 *
 *     struct { struct change *items; size_t n, cap; } changes = { 0 };
 *     ARRAY_ADD(&changes, c);   ARRAY_DONE(&changes); */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include "base/mem.h"

/* Room for one more item; returns the possibly moved items. */
void *array_reserve(void *items, size_t n, size_t *cap, size_t item_size);

#define ARRAY_ADD(a, item)                                                             \
    do {                                                                               \
        (a)->items = array_reserve((a)->items, (a)->n, &(a)->cap,                      \
                                   sizeof(__typeof__(*(a)->items)));                   \
        (a)->items[(a)->n++] = (item);                                                 \
    } while (0)

#define ARRAY_DONE(a)                                                                  \
    do {                                                                               \
        mem_free((a)->items);                                                          \
        (a)->items = NULL;                                                             \
        (a)->n = (a)->cap = 0;                                                         \
    } while (0)

#define COUNT_OF(fixed) (sizeof(fixed) / sizeof((fixed)[0]))

#endif
