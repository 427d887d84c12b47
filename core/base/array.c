/* base/array.c - the growth of typed arrays. */
#include "base/array.h"

#include <stdint.h>

#define FIRST_CAP 8

void *array_reserve(void *items, size_t n, size_t *cap, size_t item_size)
{
    if (n < *cap)
        return items;
    /* mem_grow refuses the product when it does not fit; saturate on the way there. */
    size_t wanted = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;

    if (wanted < FIRST_CAP)
        wanted = FIRST_CAP;
    if (wanted <= n)
        wanted = n + 1;
    items = mem_grow(items, wanted, item_size);
    *cap = wanted;
    return items;
}
