/* observe/observe_priv.h - the inside of the room: families.c is the table of what is
 * measured, rows.c counts what became durable, work.c attempts, commits and requests;
 * gauges.c looks up what stands at this moment, page.c shows it. */
#ifndef OBSERVE_OBSERVE_PRIV_H
#define OBSERVE_OBSERVE_PRIV_H

#include "metrics/metrics.h"
#include "observe/observe.h"

#define LED_SCALE 1000000 /* of all tenants */

/* In the order in which they are shown. */
enum family {
    FAMILY_BUILD_INFO,
    FAMILY_LEADER,
    FAMILY_LED,
    FAMILY_EPOCH,
    FAMILY_LEASE,
    FAMILY_STORE_UP,
    FAMILY_RUNS_OPEN,
    FAMILY_RUNS_STARTED,
    FAMILY_RUNS_ENDED,
    FAMILY_RUN_SECONDS,
    FAMILY_WORKFLOW_RUNS,
    FAMILY_TASKS_ENDED,
    FAMILY_TASKS_RETRIED,
    FAMILY_ATTEMPTS_STARTED,
    FAMILY_ATTEMPTS_ENDED,
    FAMILY_ATTEMPT_SECONDS,
    FAMILY_SLOTS,
    FAMILY_SLOTS_FREE,
    FAMILY_TENANT_SLOTS,
    FAMILY_QUEUE_DEPTH,
    FAMILY_QUEUE_OLDEST,
    FAMILY_SCHEDULING_DELAY,
    FAMILY_EXECUTORS,
    FAMILY_EXECUTOR_PLACES,
    FAMILY_EXECUTOR_ATTEMPTS,
    FAMILY_EXECUTOR_WAITING,
    FAMILY_EXECUTORS_GONE,
    FAMILY_EXECUTOR_LOST,
    FAMILY_COMMITS,
    FAMILY_COMMIT_SECONDS,
    FAMILY_COMMIT_CHANGES,
    FAMILY_COMMIT_BYTES,
    FAMILY_BATCHES,
    FAMILY_BATCH_SECONDS,
    FAMILY_BACKLOG,
    FAMILY_READERS,
    FAMILY_READERS_BUSY,
    FAMILY_READERS_WAITING,
    FAMILY_HTTP_REQUESTS,
    FAMILY_HTTP_SECONDS,
    FAMILY_HTTP_LIMITED,
    FAMILY_HTTP_CONNECTIONS,
    FAMILY_HTTP_ACCEPTED,
    FAMILY_HTTP_DROPPED,
    FAMILY_STREAMS,
    FAMILY_TASK_REQUESTS,
    FAMILY_TASK_SECONDS,
    FAMILY_WEBHOOK_CALLS,
    FAMILY_SCHEDULE_TIMES,
    FAMILY_SCHEDULE_LATE,
    FAMILY_SPANS,
    FAMILY_TRACES_PASSED_OVER,
    FAMILY_TRACES_WAITING,
    FAMILY_LOG_LINES,
    FAMILY_CPU,
    FAMILY_RSS,
    FAMILY_VM,
    FAMILY_FDS,
    FAMILY_FDS_MAX,
    FAMILY_START,
    N_FAMILIES
};
extern const struct metric_family observe_families[N_FAMILIES];

#define OBSERVE_CODES    (FF_FATAL + 1)
#define OBSERVE_OUTCOMES (OUTCOME_TOTAL + 1)
extern const char *const observe_codes[OBSERVE_CODES];       /* by enum ff_code */
extern const char *const observe_outcomes[OBSERVE_OUTCOMES]; /* by enum outcome */
#define OBSERVE_RUN_STATES (RUN_CANCELLED + 1)

struct observe {
    struct observe_setup setup;
    struct metrics *metrics;
    struct http_server *server;
    struct store_readers *readers; /* of its own, or those of the API */
    bool owns_readers;
    struct map tenants; /* number -> name */
    size_t n_reading;   /* scrapes for which names are read */
    bool stopped;
    /* Series that are counted in often; of states that are final, else NULL. */
    struct metric *runs_ended[OBSERVE_RUN_STATES], *run_seconds[OBSERVE_RUN_STATES];
    struct metric *tasks_ended[N_TASK_STATES][2]; /* tasks; items of tasks */
    struct metric *attempts_ended[OBSERVE_OUTCOMES];
    struct metric *attempt_seconds[OBSERVE_OUTCOMES];
    struct metric *commits[OBSERVE_CODES], *batches[OBSERVE_CODES]; /* or NULL */
    struct metric *plain[N_FAMILIES]; /* of those without labels */
};

/* rows.c */
void observe_rows_init(struct observe *o);
void observe_rows(struct observe *o, const struct batch *b);

/* work.c */
void observe_work_init(struct observe *o);
void observe_work_begin(struct observe *o);
void observe_work_end(struct observe *o);

/* gauges.c: brings all that is looked up, and not counted, up to date. */
void observe_gauges_init(struct observe *o);
void observe_gauges(struct observe *o);
/* Tenants that have something and whose name is not known yet. */
struct observe_numbers {
    int64_t *items;
    size_t n, cap;
};
void observe_unnamed(const struct observe *o, struct observe_numbers *out);

/* page.c */
int observe_listen(struct observe *o, struct ff_err *err);

#endif
