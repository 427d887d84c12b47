/* health.c - how the executor is, on a port of its own and to whoever asks there:
 * alive, ready - a server has it, and it takes work - and what is measured. The table
 * below has a row each in docs/executor.md (a test compares them). What stands at a
 * moment is looked up when somebody asks. */
#include "cli/executor/executor_priv.h"
#include "metrics/metrics.h"

#include <string.h>

#define CONNECTIONS_MAX 64
#define IDLE_US         (300 * UNITS_SECOND) /* who scrapes comes back */

enum family {
    BUILD_INFO,
    SESSION,
    SESSIONS,
    PLACES,
    ATTEMPTS,
    STARTS,
    ENDS,
    LOG_LINES,
    CPU,
    RSS,
    VM,
    FDS,
    FDS_MAX,
    START,
    N_FAMILIES
};

#define COUNTER(family, words) .name = (family), .type = METRIC_COUNTER, .help = (words)
#define GAUGE(family, words)   .name = (family), .type = METRIC_GAUGE, .help = (words)

static const struct metric_family families[N_FAMILIES] = {
    [BUILD_INFO] = {GAUGE("flowforge_build_info", "1, for the version."),
                    .labels = {"version"}},
    [SESSION] = {GAUGE("flowforge_hosted_session", "1 while a server has it.")},
    [SESSIONS] = {COUNTER("flowforge_hosted_sessions",
                          "Times that it registered with a server.")},
    [PLACES] = {GAUGE("flowforge_hosted_places", "Attempts that may run at once.")},
    [ATTEMPTS] = {GAUGE("flowforge_hosted_attempts", "Attempts that are here."),
                  .labels = {"state"}},
    [STARTS] = {COUNTER("flowforge_hosted_starts", "Attempts that were started.")},
    [ENDS] = {COUNTER("flowforge_hosted_ends", "Attempts that ended here.")},
    [LOG_LINES] = {COUNTER("flowforge_log_lines", "Lines of the program's own log."),
                   .labels = {"level"}},
    [CPU] = {COUNTER("process_cpu_seconds", "Processor time of this process."),
             .scale = UNITS_SECOND},
    [RSS] = {GAUGE("process_resident_memory_bytes", "Memory that it has.")},
    [VM] = {GAUGE("process_virtual_memory_bytes", "Addresses that it has.")},
    [FDS] = {GAUGE("process_open_fds", "Descriptors that are open.")},
    [FDS_MAX] = {GAUGE("process_max_fds", "Descriptors that may be open.")},
    [START] = {GAUGE("process_start_time_seconds", "When it began, since 1970."),
               .scale = UNITS_SECOND},
};

struct health {
    struct executor *ex;
    struct metrics *metrics;
    struct http_server *server;
};

/* --- what is measured --- */

static void set(const struct health *h, enum family family, int64_t value)
{
    metric_set(metrics_get(h->metrics, family, NULL), value);
}

static void set_labelled(const struct health *h, enum family family, const char *label,
                         int64_t value)
{
    metric_set(metrics_get(h->metrics, family, &label), value);
}

static void set_attempts(const struct health *h)
{
    static const char *const states[] = {[HOSTED_STARTING] = "starting",
                                         [HOSTED_RUNNING] = "running",
                                         [HOSTED_ENDED] = "ended"};
    int64_t n[HOSTED_UNBORN + 1] = {0};
    void *value;

    for (size_t i = 0; map_next(&h->ex->hosted, &i, &value);)
        n[((const struct hosted *)value)->state]++;
    for (size_t i = 0; i < COUNT_OF(states); i++)
        set_labelled(h, ATTEMPTS, states[i], n[i]);
}

static void set_process(const struct health *h)
{
    const struct metrics_process p = metrics_process();

    set(h, CPU, p.cpu_us);
    set(h, RSS, p.rss_bytes);
    set(h, VM, p.vm_bytes);
    set(h, FDS, p.n_fds);
    set(h, FDS_MAX, p.n_fds_max);
    set(h, START, metrics_process_start_us());
}

static void set_all(const struct health *h)
{
    static const char *const levels[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info"};
    const struct executor *ex = h->ex;

    set_labelled(h, BUILD_INFO, FLOWFORGE_VERSION, 1);
    set(h, SESSION, links_any_session(ex));
    set(h, SESSIONS, (int64_t)ex->n_sessions);
    set(h, PLACES, ex->settings.places);
    set(h, STARTS, (int64_t)ex->n_starts);
    set(h, ENDS, (int64_t)ex->n_ends);
    for (int i = LOG_ERROR; i <= LOG_INFO; i++)
        set_labelled(h, LOG_LINES, levels[i], (int64_t)log_counted(i));
    set_attempts(h);
    set_process(h);
}

/* --- routes --- */

static void on_metrics(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    const struct health *h = arg;
    const enum metrics_format format = metrics_choose(http_header(r, "accept"));
    struct buf text = {0};

    set_all(h);
    metrics_write(h->metrics, format, &text);
    http_reply_header(reply, "Vary", "Accept");
    http_reply_take(reply, 200, metrics_types[format], &text);
}

static void tell(struct http_reply *reply, int status, const char *word)
{
    json_t *said = json_pack("{s:s}", "status", word);

    http_reply_json(reply, status, said);
    json_decref(said);
}

static void on_live(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    (void)r;
    tell(reply, 200, "ok");
}

static void on_ready(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct executor *ex = ((const struct health *)arg)->ex;

    (void)r;
    if (ex->leaving)
        tell(reply, 503, "draining");
    else if (!links_any_session(ex))
        tell(reply, 503, "no server");
    else
        tell(reply, 200, "ok");
}

/* --- opening and closing --- */

static int read_place(const struct executor_settings *s, struct http_options *opts,
                      char address[HTTP_ADDRESS_TEXT], struct ff_err *err)
{
    if (!http_read_place(s->metrics_listen, address, &opts->port))
        return ff_fail(err, FF_INVALID, 0,
                       "executor.metrics_listen: \"%.80s\" is no address and port; "
                       "write 127.0.0.1:9092, [::1]:9092 or 0.0.0.0:9092",
                       s->metrics_listen);
    opts->address = address;
    opts->any_address = !http_is_loopback(address);
    if (!opts->any_address || s->metrics_exposed)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "%s can be reached from other machines, and whoever does would read "
                   "the metrics: set executor.metrics_exposed, or let "
                   "executor.metrics_listen be on 127.0.0.1",
                   address);
}

int health_open(struct executor *ex, struct ff_err *err)
{
    static const struct http_route routes[] = {
        {"GET", "/metrics", on_metrics, 0, NULL}, {"GET", "/livez", on_live, 0, NULL},
        {"GET", "/healthz", on_live, 0, NULL},    {"GET", "/readyz", on_ready, 0, NULL},
        {"GET", "/health", on_ready, 0, NULL},
    };
    struct http_options opts = {.n_connections_max = CONNECTIONS_MAX,
                                .idle_timeout_us = IDLE_US};
    char address[HTTP_ADDRESS_TEXT];

    if (!ex->settings.metrics_listen)
        return FF_OK;
    if (read_place(&ex->settings, &opts, address, err) != FF_OK)
        return err->code;
    struct health *h = mem_alloc(sizeof(*h));
    *h = (struct health){.ex = ex,
                         .metrics = metrics_new(families, N_FAMILIES),
                         .server = http_server_new(ex->loop, &opts)};
    ex->health = h;
    http_server_mount(h->server, routes, COUNT_OF(routes), h);
    if (http_server_listen(h->server, err) != FF_OK)
        return err->code;
    const bool brackets = strchr(address, ':') != NULL;
    cli_note(ex->c, "metrics on http://%s%s%s:%u/metrics", brackets ? "[" : "", address,
             brackets ? "]" : "", http_server_port(h->server));
    return FF_OK;
}

void health_close(struct executor *ex)
{
    struct health *h = ex->health;

    if (!h)
        return;
    http_server_free(h->server);
    metrics_free(h->metrics);
    mem_free(h);
}
