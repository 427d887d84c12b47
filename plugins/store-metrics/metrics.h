/* metrics.h - what store-metrics counts, and its text. */
#ifndef STORE_METRICS_METRICS_H
#define STORE_METRICS_METRICS_H

#include "../common/filter/codes.h"
#include "../common/filter/store_around.h"

#include <stdio.h>

/* From 50 us, which is a read from memory, to 10 s, which is a store that hangs. */
#define METRICS_BOUNDS 17
extern const int64_t metrics_bounds_us[METRICS_BOUNDS];

struct metrics_call {
    uint64_t codes[CODES_MAX];
    uint64_t buckets[METRICS_BOUNDS + 1]; /* each by itself; the last: above all */
    uint64_t items, bytes;
    int64_t sum_us;
};

struct metrics {
    struct metrics_call calls[AROUND_CALLS];
};

void metrics_add(struct metrics *m, const struct around *call, int code);
uint64_t metrics_count(const struct metrics_call *c);

/* Prometheus' text format 0.0.4. `store` is the label of all. */
void metrics_print(const struct metrics *m, const char *store, FILE *out);

#endif
