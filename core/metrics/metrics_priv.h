/* metrics/metrics_priv.h - what registry and text share. */
#ifndef METRICS_METRICS_PRIV_H
#define METRICS_METRICS_PRIV_H

#include "metrics/metrics.h"

struct metric {
    const struct metric_family *family;
    char *labels;       /* `state="failed",kind="task"`; "" */
    int64_t value;      /* of a histogram the sum */
    uint64_t buckets[]; /* each by itself; the last one above all bounds */
};

struct family_series {
    const struct metric_family *family;
    struct map by_labels;
};

struct metrics {
    struct family_series *items;
    size_t n;
};

#endif
