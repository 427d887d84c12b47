/* text.c - all series as text. The two formats differ in little: in OpenMetrics the
 * `_total` of a counter is not part of its family's name, units have a line, and the
 * last line says that it is the last.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 * https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#include "metrics/metrics_priv.h"

#include <string.h>

const char *const metrics_types[] = {
    [METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
    [METRICS_OPEN] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static const char *const type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

/* --- numbers --- */

static int64_t scale_of(const struct metric_family *f)
{
    return f->scale > 0 ? f->scale : 1;
}

/* 1500000 of a scale of a million is "1.5". */
static void add_number(struct buf *out, int64_t value, int64_t scale)
{
    int64_t rest = value % scale;
    int64_t digit = scale / 10;

    if (value < 0)
        buf_add_char(out, '-');
    if (rest < 0)
        rest = -rest;
    buf_add_int(out, value < 0 ? -(value / scale) : value / scale);
    if (rest > 0)
        buf_add_char(out, '.');
    for (; rest > 0; digit /= 10) {
        buf_add_char(out, (char)('0' + rest / digit));
        rest %= digit;
    }
}

/* Bounds are floats in both formats, so that they are the same series in both. */
static void add_bound(struct buf *out, int64_t value, int64_t scale)
{
    add_number(out, value, scale);
    if (value % scale == 0)
        buf_add_text(out, ".0");
}

/* --- heads --- */

static const char *suffix_of(const struct metric_family *f)
{
    return f->type == METRIC_COUNTER ? "_total" : "";
}

static const char *unit_of(const struct metric_family *f)
{
    static const char *const units[] = {"seconds", "bytes"};
    const char *last = strrchr(f->name, '_');

    for (size_t i = 0; last && i < COUNT_OF(units); i++)
        if (strcmp(last + 1, units[i]) == 0)
            return units[i];
    return NULL;
}

static void add_head(struct buf *out, const struct metric_family *f, bool open)
{
    const char *suffix = open ? "" : suffix_of(f);
    const char *unit = open ? unit_of(f) : NULL;

    buf_printf(out, "# HELP %s%s %s\n", f->name, suffix, f->help);
    buf_printf(out, "# TYPE %s%s %s\n", f->name, suffix, type_names[f->type]);
    if (unit)
        buf_printf(out, "# UNIT %s %s\n", f->name, unit);
}

/* --- samples --- */

static void add_name(struct buf *out, const struct metric *s, const char *suffix)
{
    buf_add_text(out, s->family->name);
    buf_add_text(out, suffix);
    if (*s->labels)
        buf_printf(out, "{%s}", s->labels);
    buf_add_char(out, ' ');
}

static void add_bucket(struct buf *out, const struct metric *s, size_t i)
{
    const struct metric_bounds *bounds = s->family->bounds;

    buf_printf(out, "%s_bucket{%s%sle=\"", s->family->name, s->labels,
               *s->labels ? "," : "");
    if (i < bounds->n)
        add_bound(out, bounds->at[i], scale_of(s->family));
    else
        buf_add_text(out, "+Inf");
    buf_add_text(out, "\"} ");
}

/* Each bucket holds those before it, too. */
static void add_histogram(struct buf *out, const struct metric *s)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= s->family->bounds->n; i++) {
        n += s->buckets[i];
        add_bucket(out, s, i);
        buf_printf(out, "%llu\n", (unsigned long long)n);
    }
    add_name(out, s, "_sum");
    add_number(out, s->value, scale_of(s->family));
    buf_add_char(out, '\n');
    add_name(out, s, "_count");
    buf_printf(out, "%llu\n", (unsigned long long)n);
}

static void add_series(struct buf *out, const struct metric *s)
{
    if (s->family->type == METRIC_HISTOGRAM) {
        add_histogram(out, s);
        return;
    }
    add_name(out, s, suffix_of(s->family));
    add_number(out, s->value, scale_of(s->family));
    buf_add_char(out, '\n');
}

void metrics_write(const struct metrics *m, enum metrics_format format, struct buf *out)
{
    void *value;

    for (size_t i = 0; i < m->n; i++) {
        add_head(out, m->items[i].family, format == METRICS_OPEN);
        for (size_t k = 0; map_next(&m->items[i].by_labels, &k, &value);)
            add_series(out, value);
    }
    if (format == METRICS_OPEN)
        buf_add_text(out, "# EOF\n");
}
