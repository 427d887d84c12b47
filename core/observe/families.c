/* families.c - the table of all that is measured. A row here has one in docs/metrics.md
 * (a test compares them). Times are kept in microseconds and shown as seconds. */
#include "observe/observe_priv.h"

#define MS     INT64_C(1000)
#define SECOND UNITS_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* From a commit in memory to a disk that hangs. */
static const struct metric_bounds short_times = {
    17,
    {MS / 10, MS / 4, MS / 2, MS, 5 * MS / 2, 5 * MS, 10 * MS, 25 * MS, 50 * MS,
     100 * MS, 250 * MS, 500 * MS, SECOND, 5 * SECOND / 2, 5 * SECOND, 10 * SECOND,
     30 * SECOND}};

/* From a command that only prints to a night's work. */
static const struct metric_bounds long_times = {
    17,
    {10 * MS, 50 * MS, 100 * MS, 500 * MS, SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND,
     MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
     24 * HOUR}};

/* What waits for a slot goes at once, or waits for the tasks of others. */
static const struct metric_bounds waits = {
    15,
    {MS, 5 * MS, 10 * MS, 50 * MS, 100 * MS, 500 * MS, SECOND, 5 * SECOND, 10 * SECOND,
     30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR}};

static const struct metric_bounds sizes = {
    12, {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000}};

#define COUNTER(text, about) .name = (text), .type = METRIC_COUNTER, .help = (about)
#define GAUGE(text, about)   .name = (text), .type = METRIC_GAUGE, .help = (about)
#define TIMES(text, about, of)                                                         \
    .name = (text), .type = METRIC_HISTOGRAM, .help = (about), .scale = UNITS_SECOND,  \
    .bounds = &(of)

const struct metric_family observe_families[N_FAMILIES] = {
    [FAMILY_BUILD_INFO] = {GAUGE("flowforge_build_info", "1, for the version."),
                           .labels = {"version"}},
    [FAMILY_LEADER] = {GAUGE("flowforge_leader",
                             "1 while this process leads the runs of its store.")},
    [FAMILY_LED] = {GAUGE("flowforge_led_ratio",
                          "The part of all tenants that this process leads."),
                    .scale = LED_SCALE},
    [FAMILY_EPOCH] = {GAUGE("flowforge_shard_epoch",
                            "How often the lead of the runs was taken so far.")},
    [FAMILY_LEASE] = {GAUGE("flowforge_lease_seconds",
                            "Before the lease of whoever leads is over."),
                      .scale = UNITS_SECOND},
    [FAMILY_STORE_UP] = {GAUGE("flowforge_store_up",
                               "0 while commits do not get through.")},
    [FAMILY_RUNS_OPEN] = {GAUGE("flowforge_runs_open",
                                "Runs in memory that have not ended.")},
    [FAMILY_RUNS_STARTED] = {COUNTER("flowforge_runs_started", "Runs that began.")},
    [FAMILY_RUNS_ENDED] = {COUNTER("flowforge_runs_ended",
                                   "Runs that ended, by state."),
                           .labels = {"state"}},
    [FAMILY_RUN_SECONDS] = {TIMES("flowforge_run_duration_seconds",
                                  "From the beginning of a run to its end.",
                                  long_times),
                            .labels = {"state"}},
    [FAMILY_WORKFLOW_RUNS] = {COUNTER("flowforge_workflow_runs_ended",
                                      "Runs that ended, by workflow and state."),
                              .labels = {"workflow", "state"}, .series_max = 600,
                              .open = 1},
    [FAMILY_TASKS_ENDED] = {COUNTER("flowforge_tasks_ended",
                                    "Tasks, and items of tasks, that ended."),
                            .labels = {"kind", "state"}},
    [FAMILY_TASKS_RETRIED] = {COUNTER("flowforge_tasks_retried",
                                      "Attempts that another one follows, by what "
                                      "went wrong."),
                              .labels = {"reason"}, .series_max = 50, .open = 1},
    [FAMILY_ATTEMPTS_STARTED] = {COUNTER("flowforge_attempts_started",
                                         "Attempts that were given to the runtime.")},
    [FAMILY_ATTEMPTS_ENDED] = {COUNTER("flowforge_attempts_ended",
                                       "Attempts that ended, by how."),
                               .labels = {"outcome"}},
    [FAMILY_ATTEMPT_SECONDS] = {TIMES("flowforge_attempt_duration_seconds",
                                      "From the start of an attempt to its end.",
                                      long_times),
                                .labels = {"outcome"}},
    [FAMILY_SLOTS] = {GAUGE("flowforge_slots", "Attempts that may run at once.")},
    [FAMILY_SLOTS_FREE] = {GAUGE("flowforge_slots_free",
                                 "Slots that nothing has; below zero after a restart "
                                 "with fewer of them.")},
    [FAMILY_TENANT_SLOTS] = {GAUGE("flowforge_slots_used", "Slots that a tenant has."),
                             .labels = {"tenant"}, .series_max = 100, .open = 1},
    [FAMILY_QUEUE_DEPTH] = {GAUGE("flowforge_queue_depth",
                                  "Tasks and items that wait for a slot, a limit or "
                                  "a paused queue."),
                            .labels = {"tenant"}, .series_max = 100, .open = 1},
    [FAMILY_QUEUE_OLDEST] = {GAUGE("flowforge_queue_oldest_seconds",
                                   "How long the first of them has waited."),
                             .labels = {"tenant"}, .series_max = 100, .open = 1,
                             .scale = UNITS_SECOND},
    [FAMILY_SCHEDULING_DELAY] = {TIMES("flowforge_scheduling_delay_seconds",
                                       "How long a task waited before it had a slot.",
                                       waits)},
    [FAMILY_EXECUTORS] = {GAUGE("flowforge_executors", "Executors that are there.")},
    [FAMILY_EXECUTOR_PLACES] = {GAUGE("flowforge_executor_places",
                                      "Attempts that they may run at once.")},
    [FAMILY_EXECUTOR_ATTEMPTS] = {GAUGE("flowforge_executor_attempts",
                                        "Attempts that they have.")},
    [FAMILY_EXECUTOR_WAITING] = {GAUGE("flowforge_executor_waiting",
                                       "Attempts that were started and wait for "
                                       "an executor to ask.")},
    [FAMILY_EXECUTORS_GONE] = {COUNTER("flowforge_executors_gone",
                                       "Executors that were silent for too long.")},
    [FAMILY_EXECUTOR_LOST] = {COUNTER("flowforge_executor_attempts_lost",
                                      "Attempts that were lost with an executor.")},
    [FAMILY_COMMITS] = {COUNTER("flowforge_commits",
                                "Commits that the store was asked for, by what it "
                                "said."),
                        .labels = {"code"}},
    [FAMILY_COMMIT_SECONDS] = {TIMES("flowforge_commit_duration_seconds",
                                     "How long the store took for a commit.",
                                     short_times)},
    [FAMILY_COMMIT_CHANGES] = {.name = "flowforge_commit_changes",
                               .type = METRIC_HISTOGRAM,
                               .help = "Changes of rows that one commit held.",
                               .bounds = &sizes},
    [FAMILY_COMMIT_BYTES] = {COUNTER("flowforge_commit_bytes",
                                     "Bytes of the rows that were committed, about.")},
    [FAMILY_BATCHES] = {COUNTER("flowforge_batches",
                                "Batches of changes, by what became of them."),
                        .labels = {"code"}},
    [FAMILY_BATCH_SECONDS] = {TIMES("flowforge_batch_duration_seconds",
                                    "How long a batch took until it was durable, or "
                                    "refused.",
                                    short_times)},
    [FAMILY_BACKLOG] = {GAUGE("flowforge_commit_backlog_bytes",
                              "Bytes of batches that are not committed yet.")},
    [FAMILY_READERS] = {GAUGE("flowforge_readers",
                              "Lanes that requests are worked on by.")},
    [FAMILY_READERS_BUSY] = {GAUGE("flowforge_readers_busy", "Those of them at work.")},
    [FAMILY_READERS_WAITING] = {GAUGE("flowforge_readers_waiting",
                                      "Requests that wait for one.")},
    [FAMILY_HTTP_REQUESTS] = {COUNTER("flowforge_http_requests",
                                      "Requests that the API answered."),
                              .labels = {"route", "method", "status"}},
    [FAMILY_HTTP_SECONDS] = {TIMES("flowforge_http_request_duration_seconds",
                                   "From the head of a request to the beginning of "
                                   "its answer.",
                                   short_times),
                             .labels = {"route", "method"}},
    [FAMILY_HTTP_LIMITED] = {COUNTER("flowforge_http_limited",
                                     "Requests that were put off."),
                             .labels = {"reason"}},
    [FAMILY_HTTP_CONNECTIONS] = {GAUGE("flowforge_http_connections",
                                       "Connections that are open.")},
    [FAMILY_HTTP_ACCEPTED] = {COUNTER("flowforge_http_connections_accepted",
                                      "Connections that were taken.")},
    [FAMILY_HTTP_DROPPED] = {COUNTER("flowforge_http_connections_dropped",
                                     "Connections that were refused or cut."),
                             .labels = {"reason"}},
    [FAMILY_STREAMS] = {GAUGE("flowforge_http_streams", "Live streams that are open.")},
    [FAMILY_TASK_REQUESTS] = {COUNTER("flowforge_task_requests",
                                      "Requests of tasks, and of other processes of "
                                      "this user, that were answered."),
                              .labels = {"route", "method", "status"}},
    [FAMILY_TASK_SECONDS] = {TIMES("flowforge_task_request_duration_seconds",
                                   "From the head of such a request to the beginning "
                                   "of its answer.",
                                   short_times),
                             .labels = {"route", "method"}},
    [FAMILY_WEBHOOK_CALLS] = {COUNTER("flowforge_webhook_calls",
                                      "Calls of webhooks, by how they were answered."),
                              .labels = {"result"}},
    [FAMILY_SCHEDULE_TIMES] = {COUNTER("flowforge_schedule_times",
                                       "Times of schedules that were decided."),
                               .labels = {"cause", "state"}, .series_max = 60,
                               .open = 1},
    [FAMILY_SCHEDULE_LATE] = {TIMES("flowforge_schedule_delay_seconds",
                                    "From the time of a schedule to the run that it "
                                    "started.",
                                    waits)},
    [FAMILY_SPANS] = {COUNTER("flowforge_trace_spans",
                              "Spans that were sent to a collector, by what it said."),
                      .labels = {"result"}},
    [FAMILY_TRACES_PASSED_OVER] = {COUNTER("flowforge_trace_runs_passed_over",
                                           "Runs that ended and no span of which is "
                                           "sent, as too many waited.")},
    [FAMILY_TRACES_WAITING] = {GAUGE("flowforge_trace_runs_waiting",
                                     "Runs that ended and whose spans are not yet "
                                     "sent.")},
    [FAMILY_LOG_LINES] = {COUNTER("flowforge_log_lines",
                                  "Lines of the program's own log."),
                          .labels = {"level"}},
    [FAMILY_CPU] = {COUNTER("process_cpu_seconds", "Processor time, of both kinds."),
                    .scale = UNITS_SECOND},
    [FAMILY_RSS] = {GAUGE("process_resident_memory_bytes", "Memory that it has.")},
    [FAMILY_VM] = {GAUGE("process_virtual_memory_bytes", "Addresses that it has.")},
    [FAMILY_FDS] = {GAUGE("process_open_fds", "Descriptors that are open.")},
    [FAMILY_FDS_MAX] = {GAUGE("process_max_fds", "Descriptors that may be open.")},
    [FAMILY_START] = {GAUGE("process_start_time_seconds",
                            "When the process began, since 1970."),
                      .scale = UNITS_SECOND},
};

const char *const observe_codes[OBSERVE_CODES] = {
    [FF_OK] = "ok",
    [FF_INVALID] = "invalid",
    [FF_NOT_FOUND] = "not_found",
    [FF_CONFLICT] = "conflict",
    [FF_BUSY] = "busy",
    [FF_UNAVAILABLE] = "unavailable",
    [FF_IN_DOUBT] = "in_doubt",
    [FF_CANCELLED] = "cancelled",
    [FF_DENIED] = "denied",
    [FF_UNSUPPORTED] = "unsupported",
    [FF_NO_MEMORY] = "no_memory",
    [FF_CORRUPT] = "corrupt",
    [FF_INTERNAL] = "internal",
    [FF_FULL] = "full",
    [FF_FATAL] = "fatal",
};

/* The words of retry.on. HEARTBEAT and TOTAL are the engine's judgement of an attempt
 * that it had stopped: no executor says them. */
const char *const observe_outcomes[OBSERVE_OUTCOMES] = {
    [OUTCOME_SUCCEEDED] = "succeeded",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_LOST] = "lost",
    [OUTCOME_OOM] = "oom",
    [OUTCOME_EVICTED] = "evicted",
    [OUTCOME_CANCELLED] = "cancelled",
    [OUTCOME_TOTAL] = NULL,
};
