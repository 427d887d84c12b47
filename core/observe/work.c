/* work.c - attempts, commits and requests, as those who carry them out tell of them. */
#include "observe/observe_priv.h"

#include <string.h>

static const char *const webhook_results[] = {"accepted", "refused", "limited",
                                              "invalid", "failed"};
static const char *const limits[] = {"rate", "busy", REST_OPEN_RUNS};

/* Zeroes of those that one may wait for; the others are there once they come. */
static const int usual_commits[] = {FF_OK, FF_BUSY, FF_UNAVAILABLE, FF_FULL, FF_FATAL};
static const int usual_batches[] = {FF_OK, FF_CONFLICT, FF_IN_DOUBT, FF_DENIED};

static struct metric *of_code(struct observe *o, size_t family, struct metric **known,
                              int code)
{
    const int i = code >= 0 && code < OBSERVE_CODES ? code : FF_INTERNAL;

    if (!known[i])
        known[i] =
            metrics_get(o->metrics, family, (const char *const[]){observe_codes[i]});
    return known[i];
}

static void init_words(struct observe *o, size_t family, const char *const *words,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        metrics_get(o->metrics, family, (const char *const[]){words[i]});
}

void observe_work_init(struct observe *o)
{
    for (int i = 0; i < OBSERVE_OUTCOMES; i++) {
        const char *const outcome[] = {observe_outcomes[i]};

        if (!*outcome)
            continue;
        o->attempts_ended[i] = metrics_get(o->metrics, FAMILY_ATTEMPTS_ENDED, outcome);
        o->attempt_seconds[i] =
            metrics_get(o->metrics, FAMILY_ATTEMPT_SECONDS, outcome);
    }
    for (size_t i = 0; i < COUNT_OF(usual_commits); i++)
        of_code(o, FAMILY_COMMITS, o->commits, usual_commits[i]);
    for (size_t i = 0; i < COUNT_OF(usual_batches); i++)
        of_code(o, FAMILY_BATCHES, o->batches, usual_batches[i]);
    init_words(o, FAMILY_WEBHOOK_CALLS, webhook_results, COUNT_OF(webhook_results));
    init_words(o, FAMILY_HTTP_LIMITED, limits, COUNT_OF(limits));
}

/* --- attempts --- */

static void on_picked(void *arg, int64_t waited_us)
{
    const struct observe *o = arg;

    metric_observe(o->plain[FAMILY_SCHEDULING_DELAY], waited_us);
}

static void on_started(void *arg, size_t n)
{
    const struct observe *o = arg;

    metric_add(o->plain[FAMILY_ATTEMPTS_STARTED], (int64_t)n);
}

static void on_ended(void *arg, const struct result *r)
{
    const struct observe *o = arg;

    if (!observe_outcomes[r->outcome])
        return;
    metric_add(o->attempts_ended[r->outcome], 1);
    /* One that could not be started, or of which nobody knows, has no times. */
    if (r->started_at > 0 && r->ended_at > 0)
        metric_observe(o->attempt_seconds[r->outcome], r->ended_at - r->started_at);
}

/* --- commits --- */

static void on_commit(void *arg, int code, size_t n_changes, size_t bytes,
                      int64_t took_us)
{
    struct observe *o = arg;

    metric_add(of_code(o, FAMILY_COMMITS, o->commits, code), 1);
    metric_observe(o->plain[FAMILY_COMMIT_SECONDS], took_us);
    if (code != FF_OK)
        return;
    metric_observe(o->plain[FAMILY_COMMIT_CHANGES], (int64_t)n_changes);
    metric_add(o->plain[FAMILY_COMMIT_BYTES], (int64_t)bytes);
}

static void on_batch(void *arg, int code, const struct batch *b, int64_t waited_us)
{
    struct observe *o = arg;

    metric_add(of_code(o, FAMILY_BATCHES, o->batches, code), 1);
    metric_observe(o->plain[FAMILY_BATCH_SECONDS], waited_us);
    if (code == FF_OK)
        observe_rows(o, b);
}

/* --- requests --- */

static const char *webhook_result(int status)
{
    if (status < 400)
        return "accepted";
    if (status == 429)
        return "limited";
    if (status == 401 || status == 403 || status == 404)
        return "refused";
    return status < 500 ? "invalid" : "failed";
}

static void count_limits(struct observe *o, const struct http_answered *a)
{
    const char *const reason[] = {a->why ? a->why : limits[a->status == 503]};

    if (a->status == 429 || a->status == 503)
        metric_add(metrics_get(o->metrics, FAMILY_HTTP_LIMITED, reason), 1);
}

/* Who asks whether it is well is told so, and not put off. */
static bool is_of_api(const struct http_route *route)
{
    return !route || strncmp(route->pattern, "/api/", 5) == 0;
}

/* What is no route of ours is told apart by nothing: anybody may ask for anything. */
static void count_answer(struct observe *o, size_t requests, size_t seconds,
                         const struct http_answered *a)
{
    static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const size_t class = (size_t)a->status / 100;
    const char *const labels[] = {a->route ? a->route->pattern : "none",
                                  a->route ? a->route->method : "none",
                                  classes[class < COUNT_OF(classes) ? class : 0]};

    metric_add(metrics_get(o->metrics, requests, labels), 1);
    metric_observe(metrics_get(o->metrics, seconds, labels), a->took_us);
}

static void on_answered(void *arg, const struct http_answered *a)
{
    struct observe *o = arg;

    count_answer(o, FAMILY_HTTP_REQUESTS, FAMILY_HTTP_SECONDS, a);
    if (is_of_api(a->route))
        count_limits(o, a);
    if (a->route && strcmp(a->route->pattern, REST_WEBHOOKS) == 0) {
        const char *const result[] = {webhook_result(a->status)};

        metric_add(metrics_get(o->metrics, FAMILY_WEBHOOK_CALLS, result), 1);
    }
}

static void on_task_answered(void *arg, const struct http_answered *a)
{
    count_answer(arg, FAMILY_TASK_REQUESTS, FAMILY_TASK_SECONDS, a);
}

/* --- from when to when --- */

/* How the tasks' server, if there is one, tells us from now on. */
static void watch_tasks(const struct observe *o, http_answered_fn *fn, void *arg)
{
    if (o->setup.lead.tasks)
        http_server_on_answer(o->setup.lead.tasks, fn, arg);
}

void observe_leads(struct observe *o, const struct observe_lead *lead)
{
    const struct control_watch watch = {
        .arg = o, .picked = on_picked, .started = on_started, .ended = on_ended};
    struct control *control = o ? node_control(o->setup.node) : NULL;

    if (!o)
        return;
    watch_tasks(o, NULL, NULL);
    o->setup.lead = *lead;
    watch_tasks(o, on_task_answered, o);
    if (control)
        control_set_watch(control, &watch);
}

void observe_work_begin(struct observe *o)
{
    const struct store_watch store = {.arg = o, .commit = on_commit, .batch = on_batch};

    observe_leads(o, &o->setup.lead);
    store_set_watch(node_store(o->setup.node), &store);
    if (o->setup.api)
        http_server_on_answer(o->setup.api, on_answered, o);
}

void observe_work_end(struct observe *o)
{
    struct control *control = node_control(o->setup.node);

    if (control)
        control_set_watch(control, NULL);
    store_set_watch(node_store(o->setup.node), NULL);
    if (o->setup.api)
        http_server_on_answer(o->setup.api, NULL, NULL);
    watch_tasks(o, NULL, NULL);
}
