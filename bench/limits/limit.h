/* bench/limits/limit.h - what the ceiling programs share: a clock, a way out, sorted
 * samples. A ceiling does a goal's work in bare C and nothing else; it prints one JSON
 * line, as the goal's program does. */
#ifndef LIMITS_LIMIT_H
#define LIMITS_LIMIT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DIE(...)                                                                       \
    do {                                                                               \
        fprintf(stderr, __VA_ARGS__);                                                  \
        fputc('\n', stderr);                                                           \
        exit(1);                                                                       \
    } while (0)

static inline int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct samples {
    int64_t *items;
    size_t n, cap;
};

static inline void samples_add(struct samples *s, int64_t ns)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->items = realloc(s->items, s->cap * sizeof(*s->items));
        if (!s->items)
            DIE("out of memory");
    }
    s->items[s->n++] = ns;
}

static inline int samples_order(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sort first. */
static inline void samples_sort(struct samples *s)
{
    if (s->n > 0)
        qsort(s->items, s->n, sizeof(*s->items), samples_order);
}

static inline double samples_us(const struct samples *s, double part)
{
    return s->n ? (double)s->items[(size_t)(part * (double)(s->n - 1))] / 1e3 : 0;
}

#endif
