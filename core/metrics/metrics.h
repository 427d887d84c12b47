/* metrics/metrics.h - counters, gauges and histograms, and their text as Prometheus and
 * OpenMetrics have it. It knows names and numbers, not what is measured.
 *
 * A registry is made of a table of families. Each has one series for each set of label
 * values: who counts keeps its pointer, and counting is an addition. Values are whole
 * numbers of a unit of the family's (microseconds, shown as seconds), so that sums are
 * exact. One thread: there are no locks, and a text is a moment. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/base.h"

struct metrics;
struct metric; /* one series */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_LABELS_MAX 3
#define METRIC_BOUNDS_MAX 24
/* Of a label's value; the rest is cut off. */
#define METRIC_VALUE_MAX 128

struct metric_bounds { /* of buckets, rising */
    size_t n;
    int64_t at[METRIC_BOUNDS_MAX];
};

struct metric_family {
    /* As in OpenMetrics: without the `_total` of a counter's samples. */
    const char *name;
    enum metric_type type;
    const char *help;                      /* one line */
    const char *labels[METRIC_LABELS_MAX]; /* the first NULL ends them */
    /* Values of its labels come from outside: so many series are made, and what comes
     * then is counted in one whose open labels (a bit each) are "other". 0: the caller
     * has few values. */
    size_t series_max;
    unsigned open;
    int64_t scale; /* of the values kept, what is shown as 1; 0: 1 */
    const struct metric_bounds *bounds; /* of a histogram, as values are kept */
};
#define METRIC_OTHER "other"

/* The table must outlive the registry. */
struct metrics *metrics_new(const struct metric_family *families, size_t n);
void metrics_free(struct metrics *m); /* takes NULL */

/* The series of the family's number in the table, with a value for each label (NULL
 * where it has none). It is made when it is first asked for, and stays until
 * metrics_clear. */
struct metric *metrics_get(struct metrics *m, size_t family, const char *const *values);
/* Forgets the series of a family: of a gauge that is about what comes and goes. */
void metrics_clear(struct metrics *m, size_t family);

/* Counters and gauges. */
void metric_add(struct metric *s, int64_t n);
/* Also of a counter, where somebody else counts. */
void metric_set(struct metric *s, int64_t value);
void metric_raise(struct metric *s, int64_t value); /* unless it is higher already */
/* Histograms; what is below zero counts as zero: clocks are set. */
void metric_observe(struct metric *s, int64_t value);

/* --- text --- */

enum metrics_format {
    METRICS_TEXT, /* Prometheus' text format 0.0.4 */
    METRICS_OPEN  /* OpenMetrics 1.0.0 */
};
extern const char *const metrics_types[]; /* Content-Type, by format */

/* What who asks likes better; accept: his header, or NULL. */
enum metrics_format metrics_choose(const char *accept);

/* All families in the order of the table, also those without a series. */
void metrics_write(const struct metrics *m, enum metrics_format format,
                   struct buf *out);

/* --- this process (process.c) --- */

struct metrics_process {
    int64_t cpu_us;
    int64_t rss_bytes, vm_bytes;
    int64_t n_fds, n_fds_max;
};
/* What cannot be read is 0. */
struct metrics_process metrics_process(void);
int64_t metrics_process_start_us(void); /* by the wall clock */

#endif
