/* gauges.c - what stands at this moment, looked up when somebody asks: nothing is kept
 * up to date for a question that nobody puts. */
#include "observe/observe_priv.h"

#include <string.h>

static const char *const levels[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info"};

static const size_t of_tenants[] = {FAMILY_TENANT_SLOTS, FAMILY_QUEUE_DEPTH,
                                    FAMILY_QUEUE_OLDEST};

void observe_gauges_init(struct observe *o)
{
    struct metric *build = metrics_get(o->metrics, FAMILY_BUILD_INFO,
                                       (const char *const[]){o->setup.version});

    metric_set(build, 1);
    metric_set(o->plain[FAMILY_START], metrics_process_start_us());
}

/* --- by tenant --- */

/* What waits of one tenant; since_us INT64_MAX: nothing. */
struct waiting {
    int64_t n, since_us;
};

/* Runs of one tenant come behind each other, mostly, and there may be many of them. */
struct gathering {
    struct map by_tenant; /* struct waiting */
    struct waiting *last;
    int64_t tenant; /* whose it is */
};

static void add_waiting(void *arg, struct tenant t, int64_t n, int64_t since_us)
{
    struct gathering *g = arg;

    if (!g->last || g->tenant != t.no) {
        g->last = map_get(&g->by_tenant, t.no);
        g->tenant = t.no;
    }
    if (!g->last) {
        g->last = mem_alloc(sizeof(*g->last));
        g->last->since_us = INT64_MAX;
        map_set(&g->by_tenant, t.no, g->last);
    }
    g->last->n += n;
    if (n > 0 && since_us < g->last->since_us)
        g->last->since_us = since_us;
}

static void gather(const struct observe *o, struct gathering *g)
{
    const struct control *control = node_control(o->setup.node);

    *g = (struct gathering){0};
    if (control)
        control_waiting(control, add_waiting, g);
}

static void gathering_done(struct gathering *g)
{
    void *waiting;

    for (size_t i = 0; map_next(&g->by_tenant, &i, &waiting);)
        mem_free(waiting);
    map_done(&g->by_tenant);
}

static struct metric *of_tenant(const struct observe *o, size_t family, struct tenant t)
{
    char number[24];
    const char *name = map_get(&o->tenants, t.no);

    snprintf(number, sizeof(number), "%lld", (long long)t.no);
    return metrics_get(o->metrics, family, (const char *const[]){name ? name : number});
}

static void set_tenant(struct observe *o, struct tenant t, const struct waiting *w)
{
    const struct control *control = node_control(o->setup.node);

    metric_add(of_tenant(o, FAMILY_TENANT_SLOTS, t), control_tenant_slots(control, t));
    metric_add(of_tenant(o, FAMILY_QUEUE_DEPTH, t), w->n);
    if (w->n > 0)
        metric_raise(of_tenant(o, FAMILY_QUEUE_OLDEST, t),
                     loop_wall_us(o->setup.loop) - w->since_us);
}

/* The default tenant is there, and so are all that were named since: what nothing waits
 * for is a zero, and not a gap. Those that have something come first: they are not what
 * is told as "other". */
static void set_tenants(struct observe *o)
{
    struct gathering g;
    void *value;

    for (size_t i = 0; i < COUNT_OF(of_tenants); i++)
        metrics_clear(o->metrics, of_tenants[i]);
    gather(o, &g);
    for (size_t i = 0; map_next(&g.by_tenant, &i, &value);)
        set_tenant(o, (struct tenant){map_key_int(&g.by_tenant, i)}, value);
    gathering_done(&g);
    for (size_t i = 0; map_next(&o->tenants, &i, &value);)
        for (size_t k = 0; k < COUNT_OF(of_tenants); k++)
            of_tenant(o, of_tenants[k], (struct tenant){map_key_int(&o->tenants, i)});
}

void observe_unnamed(const struct observe *o, struct observe_numbers *out)
{
    const size_t max = observe_families[FAMILY_QUEUE_DEPTH].series_max;
    struct gathering g;
    void *waiting;

    gather(o, &g);
    for (size_t i = 0; out->n < max && map_next(&g.by_tenant, &i, &waiting);) {
        const int64_t no = map_key_int(&g.by_tenant, i);

        if (!map_get(&o->tenants, no))
            ARRAY_ADD(out, no);
    }
    gathering_done(&g);
}

/* --- the others --- */

static int64_t led_part(struct tenant_range r)
{
    return (r.high - r.low) * LED_SCALE / RANGE_END;
}

static void set_lead(const struct observe *o, const struct control *control)
{
    const struct store *store = node_store(o->setup.node);
    struct node_leader leader;
    struct ff_err ignored;

    node_leader(o->setup.node, &leader);
    metric_set(o->plain[FAMILY_LEADER], node_is_owner(o->setup.node));
    metric_set(o->plain[FAMILY_LED], leader.here ? led_part(leader.range) : 0);
    metric_set(o->plain[FAMILY_EPOCH], leader.epoch);
    metric_set(o->plain[FAMILY_LEASE],
               leader.lease_left_us != MODEL_NULL ? leader.lease_left_us : 0);
    metric_set(o->plain[FAMILY_STORE_UP], store_health(store, &ignored) == FF_OK);
    metric_set(o->plain[FAMILY_BACKLOG], (int64_t)store_backlog_bytes(store));
    if (!control)
        return;
    metric_set(o->plain[FAMILY_RUNS_OPEN], (int64_t)control_open_runs(control));
    metric_set(o->plain[FAMILY_SLOTS], control_slots(control));
    metric_set(o->plain[FAMILY_SLOTS_FREE], control_free_slots(control));
}

static void set_http(struct observe *o)
{
    const struct store_readers_counts readers = store_readers_counts(o->readers);
    struct http_counts http;

    http_server_counts(o->setup.api, &http);
    const struct {
        const char *reason;
        uint64_t n;
    } dropped[] = {
        {"address", http.n_refused}, {"slow", http.n_slow}, {"flood", http.n_floods}};

    for (size_t i = 0; i < COUNT_OF(dropped); i++)
        metric_set(metrics_get(o->metrics, FAMILY_HTTP_DROPPED, &dropped[i].reason),
                   (int64_t)dropped[i].n);
    metric_set(o->plain[FAMILY_HTTP_CONNECTIONS], (int64_t)http.n_connections);
    metric_set(o->plain[FAMILY_HTTP_ACCEPTED], (int64_t)http.n_accepted);
    metric_set(o->plain[FAMILY_STREAMS], (int64_t)rest_streams(o->setup.rest));
    metric_set(o->plain[FAMILY_READERS], (int64_t)readers.n_lanes);
    metric_set(o->plain[FAMILY_READERS_BUSY], (int64_t)readers.n_busy);
    metric_set(o->plain[FAMILY_READERS_WAITING], (int64_t)readers.n_waiting);
}

static void set_executors(const struct observe *o)
{
    struct fleet_counts n = {0};

    if (o->setup.lead.fleet)
        fleet_count(o->setup.lead.fleet, &n);
    metric_set(o->plain[FAMILY_EXECUTORS], (int64_t)n.n_executors);
    metric_set(o->plain[FAMILY_EXECUTOR_PLACES], n.n_places);
    metric_set(o->plain[FAMILY_EXECUTOR_ATTEMPTS], n.n_attempts);
    metric_set(o->plain[FAMILY_EXECUTOR_WAITING], (int64_t)n.n_waiting);
    metric_set(o->plain[FAMILY_EXECUTORS_GONE], (int64_t)n.n_gone);
    metric_set(o->plain[FAMILY_EXECUTOR_LOST], (int64_t)n.n_lost);
}

static void set_spans(const struct observe *o)
{
    const struct observe_spans spans =
        o->setup.spans ? o->setup.spans(o->setup.spans_arg) : (struct observe_spans){0};
    const struct {
        const char *result;
        int64_t n;
    } results[] = {{"sent", spans.n_sent}, {"rejected", spans.n_rejected}};

    for (size_t i = 0; i < COUNT_OF(results); i++)
        metric_set(metrics_get(o->metrics, FAMILY_SPANS, &results[i].result),
                   results[i].n);
    metric_set(o->plain[FAMILY_TRACES_PASSED_OVER], spans.n_passed_over);
    metric_set(o->plain[FAMILY_TRACES_WAITING], spans.n_waiting);
}

static void set_process(const struct observe *o)
{
    const struct metrics_process p = metrics_process();

    metric_set(o->plain[FAMILY_CPU], p.cpu_us);
    metric_set(o->plain[FAMILY_RSS], p.rss_bytes);
    metric_set(o->plain[FAMILY_VM], p.vm_bytes);
    metric_set(o->plain[FAMILY_FDS], p.n_fds);
    metric_set(o->plain[FAMILY_FDS_MAX], p.n_fds_max);
}

void observe_gauges(struct observe *o)
{
    struct control *control = node_control(o->setup.node);

    set_lead(o, control);
    set_tenants(o);
    if (o->setup.api)
        set_http(o);
    set_executors(o);
    set_spans(o);
    set_process(o);
    for (int i = LOG_ERROR; i <= LOG_INFO; i++)
        metric_set(metrics_get(o->metrics, FAMILY_LOG_LINES, &levels[i]),
                   (int64_t)log_counted(i));
}
