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

struct waiting {
    struct observe *o;
    struct control *control;
    int64_t now_us;
    struct map seen; /* numbers whose slots are counted already */
};

static struct metric *of_tenant(const struct observe *o, size_t family, struct tenant t)
{
    char number[24];
    const char *name = map_get(&o->tenants, t.no);

    snprintf(number, sizeof(number), "%lld", (long long)t.no);
    return metrics_get(o->metrics, family, (const char *const[]){name ? name : number});
}

static void add_slots(struct waiting *w, struct tenant t)
{
    if (map_get(&w->seen, t.no))
        return;
    map_set(&w->seen, t.no, w);
    metric_add(of_tenant(w->o, FAMILY_TENANT_SLOTS, t),
               control_tenant_slots(w->control, t));
}

static void add_waiting(void *arg, struct tenant t, int64_t n, int64_t since_us)
{
    struct waiting *w = arg;

    add_slots(w, t);
    if (n == 0)
        return;
    metric_add(of_tenant(w->o, FAMILY_QUEUE_DEPTH, t), n);
    metric_raise(of_tenant(w->o, FAMILY_QUEUE_OLDEST, t), w->now_us - since_us);
}

/* The default tenant is there, and so are all that were named since: what nothing waits
 * for is a zero, and not a gap. */
static void set_tenants(struct observe *o, struct control *control)
{
    struct waiting w = {
        .o = o, .control = control, .now_us = loop_wall_us(o->setup.loop)};
    void *name;

    for (size_t i = 0; i < COUNT_OF(of_tenants); i++)
        metrics_clear(o->metrics, of_tenants[i]);
    for (size_t i = 0; map_next(&o->tenants, &i, &name);) {
        const struct tenant t = {map_key_int(&o->tenants, i)};

        for (size_t k = 0; k < COUNT_OF(of_tenants); k++)
            of_tenant(o, of_tenants[k], t);
        if (control)
            add_slots(&w, t);
    }
    if (control)
        control_waiting(control, add_waiting, &w);
    map_done(&w.seen);
}

struct unnamed {
    const struct observe *o;
    struct observe_numbers *out;
};

static void add_unnamed(void *arg, struct tenant t, int64_t n, int64_t since_us)
{
    const struct unnamed *u = arg;

    (void)n;
    (void)since_us;
    for (size_t i = 0; i < u->out->n; i++)
        if (u->out->items[i] == t.no)
            return;
    if (u->out->n < observe_families[FAMILY_QUEUE_DEPTH].series_max &&
        !map_get(&u->o->tenants, t.no))
        ARRAY_ADD(u->out, t.no);
}

void observe_unnamed(const struct observe *o, struct observe_numbers *out)
{
    const struct control *control = node_control(o->setup.node);
    struct unnamed u = {o, out};

    if (control)
        control_waiting(control, add_unnamed, &u);
}

/* --- the others --- */

static void set_lead(const struct observe *o, const struct control *control)
{
    const struct store *store = node_store(o->setup.node);
    struct ff_err ignored;

    metric_set(o->plain[FAMILY_LEADER], node_is_owner(o->setup.node));
    metric_set(o->plain[FAMILY_EPOCH], store_get_fence(store).epoch);
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
    const struct store_readers_counts readers =
        store_readers_counts(rest_readers(o->setup.rest));
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
    set_tenants(o, control);
    set_http(o);
    set_process(o);
    for (int i = LOG_ERROR; i <= LOG_INFO; i++)
        metric_set(metrics_get(o->metrics, FAMILY_LOG_LINES, &levels[i]),
                   (int64_t)log_counted(i));
}
