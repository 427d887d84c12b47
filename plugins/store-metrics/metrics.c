/* metrics.c - counts by call and code, a histogram of how long calls took, and both as
 * Prometheus reads them. */
#include "metrics.h"

const int64_t metrics_bounds_us[METRICS_BOUNDS] = {
    50,    100,    250,    500,    1000,    2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void metrics_add(struct metrics *m, const struct around *call, int code)
{
    struct metrics_call *c = &m->calls[call->call];
    size_t bucket = 0;

    while (bucket < METRICS_BOUNDS && call->took_us > metrics_bounds_us[bucket])
        bucket++;
    c->buckets[bucket]++;
    c->codes[code >= FF_OK && code < CODES_MAX ? code : FF_INTERNAL]++;
    c->items += call->items;
    c->bytes += call->bytes;
    c->sum_us += call->took_us;
}

uint64_t metrics_count(const struct metrics_call *c)
{
    uint64_t n = 0;

    for (size_t i = 0; i < CODES_MAX; i++)
        n += c->codes[i];
    return n;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_codes(const struct metrics *m, const char *store, FILE *out)
{
    head(out, "flowforge_store_calls_total", "counter",
         "Calls of the store, by what they came to.");
    for (size_t i = 0; i < AROUND_CALLS; i++)
        for (size_t k = 0; k < CODES_MAX; k++)
            if (m->calls[i].codes[k] > 0)
                fprintf(out,
                        "flowforge_store_calls_total{store=\"%s\",call=\"%s\","
                        "code=\"%s\"} %llu\n",
                        store, around_names[i], code_names[k],
                        (unsigned long long)m->calls[i].codes[k]);
}

static void print_sizes(const struct metrics *m, const char *store, FILE *out)
{
    head(out, "flowforge_store_items_total", "counter",
         "Changes of commits, rows of scans, rows counted or expired.");
    for (size_t i = 0; i < AROUND_CALLS; i++)
        if (m->calls[i].items > 0)
            fprintf(out, "flowforge_store_items_total{store=\"%s\",call=\"%s\"} %llu\n",
                    store, around_names[i], (unsigned long long)m->calls[i].items);
    head(out, "flowforge_store_bytes_total", "counter", "Bytes of the texts in those.");
    for (size_t i = 0; i < AROUND_CALLS; i++)
        if (m->calls[i].bytes > 0)
            fprintf(out, "flowforge_store_bytes_total{store=\"%s\",call=\"%s\"} %llu\n",
                    store, around_names[i], (unsigned long long)m->calls[i].bytes);
}

/* Of a histogram each bucket holds those before it, too. */
static void print_times_of(const struct metrics_call *c, const char *store,
                           const char *call, FILE *out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < METRICS_BOUNDS; i++) {
        n += c->buckets[i];
        fprintf(out,
                "flowforge_store_call_seconds_bucket{store=\"%s\",call=\"%s\","
                "le=\"%g\"} %llu\n",
                store, call, (double)metrics_bounds_us[i] / 1e6, (unsigned long long)n);
    }
    n += c->buckets[METRICS_BOUNDS];
    fprintf(out,
            "flowforge_store_call_seconds_bucket{store=\"%s\",call=\"%s\","
            "le=\"+Inf\"} %llu\n",
            store, call, (unsigned long long)n);
    fprintf(out, "flowforge_store_call_seconds_sum{store=\"%s\",call=\"%s\"} %.6f\n",
            store, call, (double)c->sum_us / 1e6);
    fprintf(out, "flowforge_store_call_seconds_count{store=\"%s\",call=\"%s\"} %llu\n",
            store, call, (unsigned long long)n);
}

void metrics_print(const struct metrics *m, const char *store, FILE *out)
{
    print_codes(m, store, out);
    print_sizes(m, store, out);
    head(out, "flowforge_store_call_seconds", "histogram",
         "How long calls of the store took.");
    for (size_t i = 0; i < AROUND_CALLS; i++)
        if (metrics_count(&m->calls[i]) > 0)
            print_times_of(&m->calls[i], store, around_names[i], out);
}
