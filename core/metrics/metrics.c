/* metrics.c - the registry: families, their series, and what is counted in them. */
#include "metrics/metrics_priv.h"

#include <string.h>

/* Names of labels are short, and each byte of a value may need a backslash. */
#define LABELS_TEXT (METRIC_LABELS_MAX * (64 + 2 * METRIC_VALUE_MAX))

struct metrics *metrics_new(const struct metric_family *families, size_t n)
{
    struct metrics *m = mem_alloc(sizeof(*m));

    m->items = mem_array(n, sizeof(*m->items));
    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->items[i].family = &families[i];
    return m;
}

static void free_series(struct metric *s)
{
    mem_free(s->labels);
    mem_free(s);
}

void metrics_clear(struct metrics *m, size_t family)
{
    struct map *all = &m->items[family].by_labels;
    void *value;

    for (size_t i = 0; map_next(all, &i, &value);)
        free_series(value);
    map_done(all);
    *all = (struct map){0};
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        metrics_clear(m, i);
    mem_free(m->items);
    mem_free(m);
}

/* --- labels as text, which is also what finds a series --- */

/* Who reads a text that is no UTF-8 refuses all of it, so no character is cut. */
static size_t value_len(const char *value)
{
    const size_t len = strnlen(value, METRIC_VALUE_MAX);

    return text_utf8_error(value, len);
}

static char *put_value(char *p, const char *value)
{
    const size_t len = value_len(value);

    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\\' || value[i] == '"' || value[i] == '\n')
            *p++ = '\\';
        *p++ = value[i];
        if (value[i] == '\n')
            p[-1] = 'n';
    }
    return p;
}

static size_t put_labels(const struct metric_family *f, const char *const *values,
                         bool other, char out[LABELS_TEXT])
{
    char *p = out;

    for (unsigned i = 0; i < METRIC_LABELS_MAX && f->labels[i]; i++) {
        const bool replaced = other && (f->open >> i & 1);

        if (i > 0)
            *p++ = ',';
        p = stpcpy(stpcpy(p, f->labels[i]), "=\"");
        p = put_value(p, replaced ? METRIC_OTHER : values[i]);
        *p++ = '"';
    }
    *p = '\0';
    return (size_t)(p - out);
}

static struct metric *add_series(struct family_series *all, const char *labels)
{
    const struct metric_family *f = all->family;
    const size_t n = f->type == METRIC_HISTOGRAM ? f->bounds->n + 1 : 0;
    struct metric *s = mem_alloc(sizeof(*s) + n * sizeof(s->buckets[0]));

    s->family = f;
    s->labels = mem_text(labels);
    map_set_text(&all->by_labels, labels, s);
    return s;
}

struct metric *metrics_get(struct metrics *m, size_t family, const char *const *values)
{
    struct family_series *all = &m->items[family];
    const struct metric_family *f = all->family;
    char labels[LABELS_TEXT];
    size_t len = put_labels(f, values, false, labels);
    struct metric *s = map_get_len(&all->by_labels, labels, len);

    if (!s && f->series_max > 0 && all->by_labels.n >= f->series_max) {
        len = put_labels(f, values, true, labels);
        s = map_get_len(&all->by_labels, labels, len);
    }
    return s ? s : add_series(all, labels);
}

/* --- counting --- */

void metric_add(struct metric *s, int64_t n)
{
    s->value += n;
}

void metric_set(struct metric *s, int64_t value)
{
    s->value = value;
}

void metric_raise(struct metric *s, int64_t value)
{
    if (value > s->value)
        s->value = value;
}

void metric_observe(struct metric *s, int64_t value)
{
    const struct metric_bounds *bounds = s->family->bounds;
    size_t i = 0;

    if (value < 0)
        value = 0;
    while (i < bounds->n && value > bounds->at[i])
        i++;
    s->buckets[i]++;
    s->value += value;
}
