/* sim.h - the seeded simulator: the real engine, control, sched, store room and
 * executor of several processes, in one thread and in virtual time.
 *
 * main.c runs seeds, each in a process of its own (seed.c), and shrink.c makes one that
 * failed smaller; world.c leads one seed from its
 * options (options.c) through faults to the end; loop_sim.c is the loop in virtual
 * time; store_sim.c, queue_sim.c and runtime_sim.c are drivers with faults; node_sim.c
 * is one process of FlowForge that may crash and be stopped, host_sim.c one of several
 * hosts that share the store, by core/node itself (stack_sim.c: where that waits);
 * client.c submits and cancels what flow_gen.c wrote, client_people.c decides and opens
 * again, client_wait.c tells what is waited for, client_again.c has tasks begin again
 * while their run goes on, client_schedule.c lets triggers start runs; check_*.c judge.
 * One seed is one process, so what is here is global: a crashed process of the
 * simulation is simply left in memory. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "control/control.h"
#include "exec/exec.h"
#include "flow/flow.h"
#include "trigger/trigger.h"

/* --- randomness: one stream a subject, so that a change in one leaves the others ---
 */

enum stream {
    RAND_OPTIONS,
    RAND_LOOP,
    RAND_IDS,
    RAND_STORE,
    RAND_QUEUE,
    RAND_RUNTIME,
    RAND_NODES,
    RAND_CLIENT,
    RAND_FLOW,
    RAND_BLOB,
    RAND_LATER, /* what was added when many seeds were known: they stay as they are */
    RAND_FOCUS, /* the same, of options */
    RAND_HOSTS, /* hosts that share the store, where there are any */
    N_STREAMS
};
uint64_t sim_rand(enum stream s, uint64_t n); /* 0 .. n-1 */
int64_t sim_between(enum stream s, int64_t low, int64_t high);
bool sim_chance(enum stream s, int64_t permille);

/* --- options: what a seed is made of --- */

#define SIM_OPTIONS(X)                                                                 \
    X(n_nodes)     /* processes that want to own the shard */                          \
    X(slots)       /* of each of them */                                               \
    X(n_runs)      /* submitted in all */                                              \
    X(submit_us)   /* within this time */                                              \
    X(faults_us)   /* faults stop then */                                              \
    X(cancels)     /* asked for in all */                                              \
    X(max_tasks)   /* of a workflow */                                                 \
    X(skew_us)     /* between the clocks of the processes */                           \
    X(lane_us)     /* most of the time that a lane waits for its turn */               \
    X(commit_us)   /* most of the time that a commit takes */                          \
    X(store_stall) /* permille of commits that take seconds */                         \
    X(store_busy)                                                                      \
    X(store_down)     /* UNAVAILABLE or FULL */                                        \
    X(store_doubt)    /* IN_DOUBT: written, not written, or written later */           \
    X(store_conflict) /* a guard that a rival broke */                                 \
    X(store_fatal)                                                                     \
    X(read_down)    /* permille of reads that fail */                                  \
    X(wake_lost)    /* permille of knocks at the owner's door that nobody hears */     \
    X(interleave)   /* clients act between the reads of an owner */                    \
    X(queue_shared) /* the queue outlives its processes */                             \
    X(queue_lose)                                                                      \
    X(queue_double)                                                                    \
    X(queue_late) /* permille that come seconds late */                                \
    X(queue_down) /* permille of publishes that fail */                                \
    X(start_busy) /* permille of starts for which there is no room */                  \
    X(start_slow) /* permille of starts that are confirmed seconds later */            \
    X(start_refused)                                                                   \
    X(task_bad)   /* permille of attempts that exit with a code but 0 */               \
    X(task_gone)  /* lost, evicted, out of memory */                                   \
    X(task_slow)  /* permille that take a minute */                                    \
    X(task_stuck) /* permille that only end when they are told to */                   \
    X(event_double)                                                                    \
    X(event_late)                                                                      \
    X(result_double) /* permille of results that are reported again, later */          \
    X(wipe_us)       /* mean time between losses of all that the runtime knows */      \
    X(crash_us)      /* mean time between crashes of a process */                      \
    X(drain_us)      /* mean time between orderly stops */                             \
    X(pause_us)      /* mean time between pauses of a process */                       \
    X(steal)         /* a paused owner is robbed of its shard */                       \
    X(inner)         /* permille of tasks that are runs of their own */                \
    X(limits)        /* permille of attempts that need something of others */          \
    X(resets)        /* runs opened again in all */                                    \
    X(waits)         /* permille of tasks that wait for an event */                    \
    X(pauses)        /* of runs, tasks and queues in all */                            \
    X(signals)       /* told unasked in all */                                         \
    X(open_resets)   /* requests that tasks of a run begin again while it goes on */   \
    X(cache)         /* permille of tasks whose outputs are kept for others */         \
    X(reuses)        /* new runs that take over what others have done */               \
    X(artifacts)     /* permille of attempts that hand files on */                     \
    X(blob_down)     /* permille of puts and gets that fail */                         \
    X(blob_doubt)    /* permille of puts that are carried out and fail */              \
    X(blob_full)                                                                       \
    X(blob_slow)      /* permille of puts and gets that take seconds */                \
    X(clears)         /* how often all that is kept is forgotten */                    \
    X(same_again)     /* permille of runs with the file of the one before */           \
    X(schedules)      /* workflows that are started by triggers */                     \
    X(schedule_acts)  /* what people do to these, in all */                            \
    X(values)         /* permille of attempts that give a value too large for a row */ \
    X(shares)         /* permille of tenants with a weight and a bound of their own */ \
    X(ack_lost)       /* permille of acknowledgements that the queue never gets */     \
    X(clock_us)       /* mean time between two times that a clock is set */            \
    X(replaces)       /* permille of triggers that surely say `overlap: cancel` */     \
    X(hosts)          /* each process is on a host of its own, and holds a lease */    \
    X(apart)          /* and runs attempts of its own there */                         \
    X(joins)          /* and all lead, each some tenants */                            \
    X(watches)        /* the store tells the others of commits */                      \
    X(link_us)        /* mean time between two times that a host's store is away */    \
    X(link_slow)      /* permille of what a host asks of it that takes seconds */      \
    X(store_clock_us) /* mean time between two times that the store's clock is set */  \
    X(sqlite)         /* the store is SQLite; 0: the model */

struct sim_options {
#define X(name) int64_t name;
    SIM_OPTIONS(X)
#undef X
};
void options_draw(struct sim_options *o);
void options_draw_hosts(struct sim_options *o); /* over it, with `hosts` */
bool options_set(struct sim_options *o, const char *assignment); /* "slots=1" */
int64_t *options_find(struct sim_options *o, const char *name);
int options_on(const struct sim_options *o); /* how many; of NULL: how many there are */
/* To the standard output, as words of the command line. */
void options_print_difference(const struct sim_options *before,
                              const struct sim_options *after);
void options_print(const struct sim_options *o);

/* --- what must have happened at least once in a long enough run of seeds --- */

/* clang-format off */
#define SIM_SEEN(X)                                                                    \
    X(CRASH) X(CRASH_WITH_COMMIT_UNTOLD) X(DRAIN) X(PAUSE) X(STEAL)                    \
    X(ZOMBIE_DENIED)                                                                   \
    X(STORE_BUSY) X(STORE_UNAVAILABLE) X(STORE_FULL) X(STORE_FATAL)                    \
    X(STORE_STALL) X(DOUBT_WRITTEN) X(DOUBT_NOT_WRITTEN) X(LATE_WRITTEN)               \
    X(LATE_REFUSED) X(RIVAL_CONFLICT) X(UNNAMED_CONFLICT) X(FENCE_CONFLICT) X(READ_DOWN)                   \
    X(INTERLEAVED) X(WAKE_LOST)                                                        \
    X(QUEUE_LOST) X(QUEUE_DOUBLE) X(QUEUE_LATE) X(QUEUE_DOWN) X(QUEUE_AGAIN)           \
    X(ACK_LOST)                                                                        \
    X(QUEUE_TO_ZOMBIE) X(START_AGAIN) X(START_BUSY) X(START_REFUSED)                   \
    X(TASK_BAD) X(TASK_LOST) X(TASK_OOM) X(TASK_EVICTED) X(TASK_TIMEOUT)               \
    X(TASK_STOPPED) X(TASK_KILLED) X(STOP_TOO_LATE) X(EVENT_DOUBLE) X(EVENT_LATE)      \
    X(RESULT_DOUBLE)                                                                   \
    X(WIPED) X(FALL) X(ADOPT_RUNNING) X(ADOPT_EXITED) X(ADOPT_UNKNOWN) X(ADOPT_NEVER_BEGAN) X(FORGOTTEN)                         \
    X(TO_RUNNING) X(TO_RETRYING) X(RETRYING_TO_RUNNING) X(RETRYING_TO_CANCELLED)       \
    X(TO_SUCCEEDED) X(CANCELLED_RUNNING) X(CANCELLED_UNSTARTED)                        \
    X(EXIT_CODE) X(TIMEOUT) X(HEARTBEAT) X(LOST) X(OOM) X(EVICTED) X(START_FAILED)                  \
    X(OUTPUT_MISSING) X(EXPRESSION) X(QUEUE_TIMEOUT) X(UPSTREAM_FAILED)                \
    X(NEED_SKIPPED) X(IF_FALSE) X(ITEM_FAILED) X(FORGIVEN)                             \
    X(FORMULA_TRUE) X(FORMULA_FALSE) X(NEEDS_FALSE) X(RETRY_IF) X(CASE_TAKEN) \
    X(CASE_NOT_TAKEN) X(AT_ONCE) X(TO_SUSPENDED) X(WAIT_OVER) X(WAIT_CANCELLED) \
    X(EXPANDED) X(EXPANDED_EMPTY) X(FAIL_FAST) X(JUDGED_FAILED) X(MAX_PARALLEL)        \
    X(PARALLELISM) X(SLOTS_FULL) X(TWO_TENANTS) X(TENANT_FULL) X(TENANT_WAITS)                                        \
    X(RUN_SUCCEEDED) X(RUN_FAILED) X(RUN_CANCELLED) X(RUN_TIMEOUT) X(RUN_KILLED)       \
    X(HANDLER_FAILED) X(RUN_OUTPUTS) X(LIST_OUTPUTS)                                                  \
    X(CANCEL_INBOX) X(CANCEL_DIRECT) X(CANCEL_HARDER) X(CANCEL_OF_HANDLER)             \
    X(CANCEL_OVER) X(ON_SUCCESS) X(ON_FAILURE) X(ON_CANCEL) X(FINALLY)       \
    X(CHILD_BEGAN) X(CHILD_IN_CHILD) X(CHILD_SUCCEEDED) X(CHILD_FAILED) X(CHILD_TIMEOUT) \
    X(CHILD_CANCELLED) X(CHILD_AGAIN) X(CHILD_OUTPUTS) X(USES) X(OUTER_VALUE)          \
    X(GATE_APPROVED) X(GATE_REJECTED) X(GATE_TIMEOUT) X(GATE_SKIPPED) X(GATE_REFUSED)   \
    X(SEMAPHORE) X(SEMAPHORE_FULL) X(MUTEX) X(RATE) X(RATE_AGAIN)                        \
    X(ADMITTED) X(ADMIT_FULL) X(ADMIT_WAITED) X(ADMIT_CANCELLED) X(ADMIT_FAILED)         \
    X(OUSTED) X(CANCELLED_PENDING)                                                       \
    X(RESET_FAILED) X(RESET_TASK) X(RESET_ALL) X(RESET_ITEMS) X(RESET_KEPT)              \
    X(RESET_AGAIN) X(RESET_OF_INNER)                                                     \
    X(OPEN_RESET) X(OPEN_RESET_AT_ONCE) X(OPEN_RESET_WAITS) X(OPEN_RESET_OF_INNER)       \
    X(OPEN_RESET_RETRYING) X(OPEN_RESET_SUSPENDED) X(OPEN_RESET_DROPPED)                 \
    X(OPEN_RESET_SUCCESS_DROPPED) X(OPEN_RESET_ITEM) X(OPEN_RESET_CANCELLED)             \
    X(OPEN_RESET_REFUSED) X(OPEN_RESET_OVER) X(OPEN_RESET_RELOADED)                      \
    X(REPEATED) X(REPEAT_UNTIL) X(REPEAT_MAX) X(REPEAT_TOO_MANY) X(REPEAT_CANCELLED)     \
    X(UNDONE) X(UNDO_FAILED) X(UNDO_CANCELLED) X(UNDO_IN_ORDER) X(RESET_UNDONE)          \
    X(UNDONE_ITEM) X(UNDO_ITEM_IN_ORDER) X(UNDO_ITEM_VALUE) X(RESET_UNDONE_ITEM)       \
    X(EVENT_AWAITED) X(KEY_AWAITED) X(SIGNAL_KEPT) X(SIGNAL_TAKEN) X(SIGNAL_WAITED)      \
    X(SIGNAL_NOT_WANTED) X(SIGNAL_BY_INNER) X(SIGNAL_OVER) X(SIGNAL_REFUSED)             \
    X(EVENT_TAKEN) X(EVENT_TAKEN_BY_MANY) X(EVENT_NOT_WANTED)                            \
    X(PAUSED_RUN) X(PAUSED_TASK) X(PAUSED_INNER) X(UNPAUSED) X(PAUSE_OUTLIVES)           \
    X(PAUSE_CANCELLED) X(PAUSED_TO_THE_END) X(PAUSE_REFUSED)                             \
    X(PAUSED_QUEUE) X(UNPAUSED_QUEUE) X(QUEUE_OUTLIVES)                                  \
    X(EVENT_HELD) X(EVENT_DEBOUNCED) X(EVENT_QUIET)                                      \
    X(TOTAL_STOPPED) X(TOTAL_RUNNING) X(TOTAL_WAITING) X(TOTAL_NO_MORE) X(TOTAL_ANEW)        \
    X(EVENT_TIMEOUT) X(EVENT_SKIPPED) X(EVENT_NULL)                                      \
    X(CACHE_KEPT) X(CACHE_KEPT_OF_INNER) X(CACHED) X(CACHED_INNER) X(CACHED_ITEM)        \
    X(CACHED_OF_ANOTHER) X(CACHED_AGAIN) X(CACHE_MISS) X(CACHE_NOT_ASKED)                \
    X(CACHE_EXPIRED) X(CACHE_CLEARED)                                                    \
    X(REUSED) X(REUSED_SKIPPED) X(REUSED_INNER) X(REUSED_ITEM) X(REUSED_AGAIN)           \
    X(NOT_REUSED)                                                                        \
    X(TAKEN_UP) X(TAKEN_UP_LATE)                                                         \
    X(ARTIFACT_GIVEN) X(ARTIFACT_FOLDER) X(ARTIFACT_LIST) X(ARTIFACT_REUSED)             \
    X(ARTIFACT_CACHED) X(ARTIFACT_OF_CACHE)                                              \
    X(ARTIFACT_NAMED) X(ARTIFACT_FAILED) X(BLOB_SLOW) X(BLOB_DOWN) X(BLOB_FULL)          \
    X(BLOB_AGAIN) X(BLOB_DOUBT)                                                          \
    X(LARGE_KEPT) X(LARGE_OF_RUN) X(LARGE_TOLD) X(LARGE_UNNAMED)                         \
    X(OUTPUT_TYPED) X(OUTPUT_INVALID)                                                    \
    X(CLOCK_SET)                                                                         \
    X(FIRED) X(FIRED_LATE) X(MISSED) X(MISSED_ALL) X(MISSED_SEVERAL) X(JITTERED)         \
    X(OVERLAP_SKIPPED) X(OVERLAP_WAITED) X(OVERLAP_QUEUED) X(OVERLAP_REPLACED)           \
    X(OVERLAP_CANCELLED) X(OVERLAP_ALLOWED)                                              \
    X(SCHEDULE_PAUSED) X(SCHEDULE_RESUMED) X(SCHEDULE_CHANGED) X(SCHEDULE_DELETED)       \
    X(SCHEDULE_AGAIN) X(MANUAL) X(WAITING_DROPPED)                                                          \
    X(BACKFILL_BEGAN) X(BACKFILL_DONE) X(BACKFILL_STOPPED) X(BACKFILL_PASSED)            \
    X(EVENT_STARTED) X(EVENT_MISSED) X(EVENT_IF_FALSE) X(EVENT_WAITED)                   \
    X(AFTER_STARTED) X(AFTER_MISSED)                                                     \
    X(SQLITE)                                                                            \
    X(LED_FREE) X(LED_AGAIN) X(LED_OVER) X(LED_CHANGED) X(LEASE_RENEWED) X(LEASE_LONG)   \
    X(LEASE_LOST) X(LEASE_DENIED) X(LEASE_REFUSED) X(EPOCH_REFUSED) X(LINK_CUT)          \
    X(LINK_SLOW) X(STORE_CLOCK_SET) X(STOOD_STILL) X(LEFT_FOLLOWING) X(LEFT_ELSEWHERE) X(WATCHED) \
    X(RANGE_GIVEN) X(RANGE_JOINED)
/* clang-format on */

enum sim_seen {
#define X(name) SEEN_##name,
    SIM_SEEN(X)
#undef X
        N_SEEN
};
/* Those from here on are of hosts that share the store, and met with option `hosts`. */
#define SEEN_OF_HOSTS SEEN_LED_FREE
extern const char *const sim_seen_names[];
void sim_seen(enum sim_seen what);

/* --- the world --- */

#define SIM_MAX_NODES 4
#define SIM_EPOCH_US  INT64_C(1800000000000000) /* virtual time 0 as wall time */
#define SIM_SHARD     0
#define SIM_CLIENT    (-1)

struct sim {
    uint64_t seed;
    struct sim_options o;
    struct rand streams[N_STREAMS];
    int64_t now; /* virtual microseconds */
    int64_t due; /* when what happens was to happen */
    uint64_t n_events;
    bool faults;         /* they may still happen */
    int64_t healed_at;   /* when they stopped */
    int64_t progress_at; /* when a row of a run or task last changed */
    uint64_t hash;
    uint32_t seen[N_SEEN];
    const char *data_dir;
    struct loop *loop; /* whose callback runs, or NULL */
    bool on_lane;
    bool verbose;
    bool alone;            /* one seed, in this process */
    const char *invariant; /* that a failing check stands for; NULL: its sentence */
};
extern struct sim sim;

/* No fault of the store holds up what is decided. */
bool sim_is_calm(void);
void sim_run(void); /* one seed, from sim.seed and sim.o; returns if all is well */

/* --- trace.c --- */

void FF_PRINTF(1, 2) sim_trace(const char *fmt, ...);
_Noreturn void FF_PRINTF(1, 2) sim_fail(const char *fmt, ...);
void sim_trace_print(void);        /* the last events */
void seed_failed(const char *fmt); /* seed.c: tells who started this seed */
#define sim_check(holds, ...)                                                          \
    do {                                                                               \
        if (!(holds))                                                                  \
            sim_fail(__VA_ARGS__);                                                     \
    } while (0)

/* --- loop_sim.c: beside loop.h --- */

bool sim_step(void);        /* the next event; false: there is none */
int64_t sim_next_at(void);  /* when it is due; INT64_MAX: none */
void sim_spend(int64_t us); /* the callback that runs takes that long */
/* The same of a lane that waits for what is outside. Other threads would go on
 * meanwhile; in this world nobody does, so what they owe is due later. */
void sim_hold_up(int64_t us);
/* fn in the world, or on a loop's thread (then not while it is paused, and never once
 * it is dead). */
void sim_at(struct loop *l, int64_t delay_us, ff_call_fn *fn, void *arg);
void sim_loop_init(struct loop *l, int node, int64_t skew_us);
void sim_loop_kill(struct loop *l);
void sim_loop_pause(struct loop *l);
void sim_loop_resume(struct loop *l);
bool sim_loop_is_dead(const struct loop *l);
bool sim_loop_is_paused(const struct loop *l);
void sim_loop_set_clock(struct loop *l, int64_t skew_us);
int sim_loop_node(const struct loop *l);
/* On the loop's thread, with a stack of its own: fn may wait in loop_run of this loop,
 * and the world goes on. It never comes back when the loop is dead. */
void sim_apart(struct loop *l, ff_call_fn *fn, void *arg);
uint64_t sim_loop_events(const struct loop *l); /* that it has had */

/* --- stack_sim.c: for loop_sim.c --- */

struct stack;
struct stack *stack_new(ff_call_fn *fn, void *arg);
bool stack_go(struct stack *s); /* until it waits: false; or it is over, and freed */
void stack_wait(void);          /* on one: until it is told to go on */

/* --- ops_sim.c: operations of drivers that are completed later --- */

struct sim_ops {
    const struct ff_host *host;
    struct loop *loop;
    struct {
        struct sim_op **items;
        size_t n, cap;
    } open;
};
void ops_complete(struct sim_ops *ops, struct ff_op *op, int code, const char *why,
                  int64_t delay_us);
void ops_close(struct sim_ops *ops); /* what is open: FF_CANCELLED */

/* --- drivers --- */

extern const struct ff_driver store_sim_driver, store_hosts_driver, queue_sim_driver,
    runtime_sim_driver, blob_sim_driver;
bool blob_sim_has(struct tenant t, const char *hash);
/* The instance whose sessions are opened next belongs to this process. */
void sim_opening(int node, struct loop *l);

void store_sim_init(void);
/* Where hosts share it: its clock, and a host that does not reach it for so long. */
int64_t store_sim_clock(void);
void store_sim_set_clock(int64_t skew_us);
void store_sim_cut(int node, int64_t for_us);
void store_sim_check_end(void);
void store_sim_done(void);
void store_sim_crash(int node);
bool store_sim_quiet(void);      /* no commit may still arrive */
bool store_sim_untold(int node); /* a commit of it is durable, and it does not know */
/* store_pair.c: SQLite, and the model that it is held against. */
const struct ff_store_ops *store_pair_open(void);
void store_pair_check(void *session);
void store_pair_done(void);

void queue_sim_crash(int node);
void runtime_sim_crash(int node);
void runtime_sim_wipe(bool forgets);
/* The attempt's process is there now. */
bool runtime_sim_runs(const char *attempt_id);
bool runtime_sim_is_stray(const char *attempt_id); /* its process had lost its shard */
/* Wall clock at which its process ended; 0: it did not, or there was none. */
int64_t runtime_sim_ended(const char *attempt_id);
int64_t runtime_sim_started(const char *attempt_id); /* the same of its beginning */
bool runtime_sim_went_well(const char *attempt_id);  /* it exited with 0 */
size_t runtime_sim_running(void);
size_t runtime_sim_known(void); /* attempts that were not released */
bool runtime_sim_strays(void); /* a process that had lost its shard started something */
/* What output `name` of an attempt holds, or false: it writes none. */
bool runtime_sim_output(const char *attempt_id, const char *name, struct buf *out);

/* --- node_sim.c --- */

enum node_phase { NODE_DOWN, NODE_STANDBY, NODE_OWNER, NODE_DRAINING };
struct sim_node {
    int no;
    enum node_phase phase;
    struct loop *loop;
    struct driver_instance *store_driver, *queue, *runtime, *blob;
    struct store *store;
    struct node *node; /* where hosts share the store: of core/node, or NULL */
    struct control *control;
    struct exec *exec;
    struct trigger *trigger;
    struct map unsettled; /* attempts by key whose results were given to control */
    uint64_t life;        /* counts its starts */
    int64_t calm_since;   /* it leads, or went on after it could do nothing */
    int64_t heard_at;     /* number of the last commit that it was told of */
};
extern struct sim_node sim_nodes[SIM_MAX_NODES];
void nodes_boot(void);
void nodes_heal(void);    /* all are up and stay so */
void nodes_held_up(void); /* none of them could do anything until now */
/* Holds the lock; may be paused, dead soon; NULL. Where hosts share the store: leads
 * this tenant, or for all of them the first one. */
struct sim_node *nodes_owner(void);
struct sim_node *nodes_owner_of(struct tenant t);
bool nodes_lead_all(void);
void nodes_wake(void);                   /* a client knocks */
void node_sim_crash(struct sim_node *n); /* kill -9, and it begins again soon */
void node_sim_ended(struct sim_node *n); /* the same of one that has ended in order */
void node_sim_fatal(void *arg, const struct ff_err *err);
/* This is told to control now, and maybe again. */
struct attempt_key;
struct result;
void node_sim_result(struct sim_node *n, const struct attempt_key *key,
                     const struct result *result);

/* --- host_sim.c: processes of hosts that share the store, by core/node itself --- */

void host_open(struct sim_node *n);  /* it follows whoever leads, and may lead */
void host_drain(struct sim_node *n); /* it ends in order; it may wait: sim_apart */
void host_crash(struct sim_node *n);
/* It leads the tenant by its row, and knows that; or NULL. */
struct sim_node *host_owner_of(struct tenant t);
int64_t host_link_delay(void); /* of something that a lane does */
void hosts_begin(void);        /* what happens to hosts */

/* --- check_lead.c: who leads, by the shard's row --- */

void lead_begin(int node, const struct ff_change *changes, size_t n); /* of a commit */
void lead_refused(int node, const struct ff_change *changes, size_t n, size_t failed);
void lead_clock_set(void); /* the store's is another one now */
void lead_check(void);     /* after each event */
void lead_check_start(int node, const char *id, struct tenant t); /* of an attempt */
/* Whose process leads the tenant by the rows, or SIM_CLIENT; since which commit, and
 * virtual time. */
int lead_owner(struct tenant t);
int64_t lead_owned_in(struct tenant t);
int64_t lead_owned_at(struct tenant t);
bool lead_leads_any(int node); /* does it lead any tenant, by the rows? */
void lead_check_end(void);
/* A commit that writes this is told from one of who does not lead. */
void lead_check_fence(int node, const struct ff_change *c);
struct flow *client_parse(const char *source); /* what was generated; flow_unref it */
void client_knock(void *arg);                  /* the same, for sim_at */
/* After a change of that answer: one that failed may have been stored all the same. */
void client_knock_after(int code);

/* --- client.c --- */

void client_open(void);
void client_plan(void);    /* all that clients will do, as events */
void client_act_now(void); /* something of it at once, between two reads */
bool client_is_done(void);
void client_check(void); /* what was acknowledged is so */

/* client_people.c: those who decide, and who open runs again */
struct mirror_run;
struct mirror_task;
struct node *client_node(void); /* only its loop and store are used */
const struct mirror_run *client_any_run(void);
void client_gate(const struct mirror_run *r,
                 const struct mirror_task *t); /* it waits */
void client_reset(void);
/* client_wait.c: those who tell of events */
void client_await(const struct mirror_run *r,
                  const struct mirror_task *t); /* it waits */
void client_signal(void);
void client_kill(const struct mirror_run *r);
void client_reset_open(void); /* client_again.c */
/* client_pause.c: those who pause */
void client_pause(void);
void client_paused(const struct mirror_run *r); /* it, or a task of it, by somebody */
void client_paused_queue(struct tenant t, const char *name);
void client_clear_cache(void);
void client_reuse(void);
void client_submitted(int code, int64_t run);
void client_made(struct tenant t, const char *id, int64_t run); /* client_made.c */
void client_set_up(void); /* before all: workflows that others use, sizes of limits */

/* client_schedule.c: those who let triggers start runs, and send events */
void client_schedule_plan(void);
void client_schedule_act(void);
void client_schedule_calm(void); /* faults are over: no further times, nothing paused */
bool client_schedule_is_done(void);

/* --- flow_gen.c --- */

/* A workflow as text; mem_free it. */
char *flow_gen(void);
/* One that those above may use, and those of higher number. */
#define SIM_KIDS 3
char *flow_gen_kid(int kid);
/* One with these triggers. */
char *flow_gen_timed(const char *name, const char *triggers);

/* --- check_commit.c: the mirror of the store, judged with every commit --- */

struct mirror_task {
    struct task_row row; /* text below */
    char reason[32];
    char message[128];
    char *outputs;
    bool item_failed;   /* of a task with items: one of them did, for good */
    int64_t changed_in; /* number of the commit */
    int64_t granted_in; /* of the one that let its attempt start */
    bool kept;          /* by the last reset of its run */
    /* Virtual time of the commit: */
    int64_t final_at, expanded_at;
    char from[160]; /* the attempt that gave its outputs, if it had none of its own */
    bool reused;    /* its row came with its run: and was */
    int64_t reused_state, reused_code;
    char reused_reason[32];
};

struct mirror_run {
    struct tenant tenant;
    int64_t no;
    char id[ID_TEXT];
    struct run_row row; /* text: id only */
    char reason[32];
    char message[128];
    char *inputs, *scope, *outputs;
    struct flow *flow;
    struct map tasks; /* node -> struct mirror_task */
    struct {
        char **items; /* bodies by seq - 1 */
        size_t n, cap;
    } events;
    bool open;           /* has its open_run row */
    bool cancelled_main; /* told to stop, in an earlier commit, while main tasks ran */
    bool killed;         /* in an earlier commit */
    int64_t stopped_at;  /* when either of them became true */
    char
        stop_reason[32]; /* what a stop of the main tasks was for; "": there was none */
    int64_t final_main;  /* main tasks that are final */
    bool was_final;
    bool was_waited_for; /* by a time of its schedule, which cancels it for that */
    int64_t created_at, ended_at; /* virtual time; 0: it did not */
    int64_t n_ends;
    struct map children;     /* check_child.c */
    char *reset;             /* what is to begin again, and has not yet */
    struct reset *resetting; /* check_reset.c: this commit carries that out */
    int64_t n_resets, reopened_in;
    int64_t begun_at; /* virtual time; the last time */
    int64_t created_in;
    struct map artifacts; /* hashes of blobs that it names */
    bool no_cache;
    struct open_reset *open_reset; /* check_reset_open.c: asked for, and not begun */
    struct open_seen *open_seen;   /* what it was after the commit before */
};

struct mirror {
    int64_t n_commits;
    struct map runs;   /* number -> struct mirror_run */
    struct map flows;  /* hash -> struct flow */
    int owner;         /* process that took the shard last */
    int64_t owned_in;  /* number of the commit that gave it to it */
    int64_t owned_at;  /* virtual time of it */
    int64_t n_running; /* task rows RUNNING that hold a slot */
    int64_t n_inbox, n_open;
};
extern struct mirror mirror;

void check_commit(int node, const struct ff_change *changes, size_t n);
/* check_told.c: these changes, of whoever they are, have become durable. */
void told_written(const struct ff_change *changes, size_t n);
/* A copy of these values is on its way, and may arrive late. */
void told_copied(const struct ff_value *from, const struct ff_value *to);
void told_copy_gone(const struct ff_value *values);
/* It was made all the same. The copies are kept. */
void told_came_late(const struct batch *b);
/* The driver has refused a commit for change `failed`; none of them: it may be any. */
void told_at_fault(const struct ff_change *changes, size_t n, size_t failed);
/* Of a change: the column as it is written, or what was before. */
const struct ff_value *change_value(const struct ff_change *c, int column);
void change_int(const struct ff_change *c, int column, int64_t *place);
struct tenant change_tenant(const struct ff_change *c); /* whose row it is */
void change_text(const struct ff_change *c, int column, char *out, size_t size);
struct mirror_run *mirror_run(int64_t no);
struct mirror_run *mirror_run_by_id(const char *id, size_t len);
struct mirror_task *mirror_task(const struct mirror_run *r, int64_t node);
/* "fetch.3" -> attempt id; false when the run is unknown. */
struct mirror_task *mirror_find(const char *attempt_id, struct mirror_run **run,
                                int64_t *attempt);
void mirror_attempt_id(const struct mirror_run *r, const struct mirror_task *t,
                       char *out, size_t size);
/* The same of the attempt that gave its outputs. */
void mirror_origin(const struct mirror_run *r, const struct mirror_task *t, char *out,
                   size_t size);

/* check_edge.c: may a task row go from this state to that one? */
bool is_attempt(const struct flow_task *t); /* carried out by an executor, in a slot */
void check_edge(struct mirror_run *r, const struct mirror_task *before,
                struct mirror_task *t, uint64_t set);
void check_limits(struct mirror_run *r);

/* check_child.c: runs that are tasks of others */
bool is_inner(const struct flow_task *t);
struct mirror_run *mirror_child(const struct mirror_run *parent, int64_t node,
                                int64_t attempt);
struct mirror_run *mirror_parent(const struct mirror_run *r); /* or NULL */
void child_link(const struct ff_change *c);
void child_created(const struct mirror_run *r);
void check_children(const struct mirror_run *r); /* after a commit */
/* The end of an attempt of a task that is a run. */
void check_child_end(const struct mirror_run *r, const struct mirror_task *t);

/* check_limit.c: what is held across runs */
void limit_change(const struct ff_change *c);
void check_places(const struct mirror_run *r); /* after a commit */
void check_limit_sizes(void);                  /* the same */
/* It was over before it began. */
bool check_not_begun(const struct mirror_run *r);

/* check_schedule.c: who is started by triggers, and when; after check_due.c's times */
void schedule_begin(int node, const struct ff_change *changes, size_t n);
void schedule_end(void);       /* the commit is applied to runs and tasks, too */
void schedule_check_now(void); /* faults are over: nothing is late */
bool schedule_is_over(void);   /* nothing waits, no backfill goes on */
void schedule_check_end(void);
/* This process ends a run: a schedule that it has heard of is told, in that batch. */
void schedule_run_ends(const struct sim_node *n, const struct run_row *run,
                       const struct batch *b);
/* It cancels a run for a time that waits. */
void schedule_cancels(const struct sim_node *n, int64_t run);

/* check_reset.c: runs that were over and begin again */
#define RESET_MARK_NONE 0
bool reset_is_asked(const struct ff_change *c);              /* of a run */
void reset_mark(const struct mirror_run *r, uint8_t *marks); /* by r->reset */
bool reset_is_edge(const struct mirror_task *before, const struct mirror_task *t,
                   uint64_t set);
bool reset_is_carried_out(const struct ff_change *c);
void reset_asked(struct mirror_run *r, const struct ff_change *c);
void reset_begins(struct mirror_run *r);
bool reset_edge(struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t, uint64_t set);
void reset_ends(struct mirror_run *r);
int64_t reset_attempts(const struct mirror_task *t); /* since it was reset */

/* check_reset_open.c: tasks that begin again while their run goes on */
bool open_reset_is_asked(const struct ff_change *c); /* of a run */
void open_reset_asked(struct mirror_run *r, const struct ff_change *c);
/* The request goes; true: with it the tasks begin again, and not by a cancel. */
bool open_reset_begins(struct mirror_run *r, const struct ff_change *c);
bool open_reset_edge(const struct mirror_run *r, const struct mirror_task *before,
                     const struct mirror_task *t, uint64_t set);
void open_reset_event(struct mirror_run *r, const char *body);
void open_reset_message(struct mirror_run *r); /* it was taken from the inbox */
void open_reset_settle(struct mirror_run *r);  /* after a commit */
/* Since when this task is to be stopped for it; INT64_MAX: it is not. */
int64_t open_reset_since(const struct mirror_run *r, const struct mirror_task *t);

/* artifact_sim.c: files and folders of attempts */
char *artifact_sim_begin(const struct ff_run_spec *spec); /* its folder, or NULL */
void artifact_sim_end(const char *id, const char *dir);
void artifact_change(const struct ff_change *c);
void artifact_note_task(const struct mirror_run *r, const struct mirror_task *t);
void artifact_settle(void); /* after a commit */
/* Of a row of the cache: these are all the blobs of its outputs, and it names them. */
void artifact_check_cached(struct tenant t, const char *outputs,
                           const struct ff_value *artifacts);
void artifact_check_outputs(const struct mirror_run *r, const struct mirror_task *t,
                            const struct flow_output *o, const json_t *v);
bool artifact_check_reason(const char *id, const char *reason);

/* large_sim.c: values that are too large for rows */
void large_fill(struct buf *text);                /* to the length of one */
bool large_is_large(const struct mirror_task *t); /* any of its outputs is */
/* What is named by what a row of the run holds, or NULL, is there (I42). */
void large_check(const struct mirror_run *r, const char *column);
void large_check_end(void); /* of all rows; and that no other run has files */
/* With the large ones read in; json_decref them. */
json_t *large_outputs(const struct mirror_run *r, const struct mirror_task *t);
json_t *large_run_outputs(const struct mirror_run *r);

/* check_env.c: what the run gives is of the declared types */
bool check_output_types(const struct mirror_run *r);

/* check_reuse.c: rows that come with their run */
void reuse_asked(const char *task); /* NULL: nobody asks any more */
void reuse_row(struct mirror_run *r, struct mirror_task *t);
void reuse_settle(struct mirror_run *r);

/* check_cache.c: what tasks gave, for others that are the same */
void cache_change(const struct ff_change *c);
void cache_settle(void); /* after a commit */
void cache_success(const struct mirror_run *r, const struct mirror_task *t);
bool cache_is_hit(const struct mirror_task *t);
void cache_hit(const struct mirror_run *r, const struct mirror_task *before,
               struct mirror_task *t);
void cache_miss(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t); /* it starts */
/* For expressions in which only inputs.word is used: arg is {"word": ...}. */
json_t *sim_word_lookup(void *arg, const char *name);

/* check_again.c: tasks that repeat, and what undoes tasks */
/* Is this the step from one iteration to the next? */
bool again_repeats(const struct mirror_run *r, const struct mirror_task *before,
                   const struct mirror_task *t);
bool again_too_many(const struct mirror_task *t); /* it ended with its last iteration */
void again_start(const struct mirror_run *r, const struct mirror_task *before,
                 const struct mirror_task *t);
void again_end(const struct mirror_run *r, const struct mirror_task *t);
void again_undo_start(const struct mirror_run *r, const struct mirror_task *t);
/* Of a task with items: so many are undone, says its row. */
void again_undo_expanded(const struct mirror_run *r, const struct mirror_task *t);
/* What the node of a compensation undoes, or NULL. */
const struct mirror_task *again_undoes(const struct mirror_run *r, int64_t node);
void again_undone(const struct mirror_run *r); /* main tasks and compensations are over
                                                */
bool again_was_undone(const struct mirror_run *r, int64_t node);

/* check_inbox.c: what is asked of runs */
void inbox_begin(const struct ff_change *changes, size_t n);
void inbox_change(const struct ff_change *c);
const struct ff_change *inbox_commit_end(void); /* behind the last one of the commit */
/* Is there a decision of this word for the task in this commit? */
bool inbox_decides(const struct mirror_run *r, const struct mirror_task *t,
                   const char *word);

/* check_wait.c: tasks that wait for events, and what they are told */
void wait_begin(const struct ff_change *changes, size_t n); /* of a commit */
void wait_change(const struct ff_change *c);
void wait_end(void); /* all changes are applied */
void wait_begun(const struct mirror_run *r, const struct mirror_task *t);
void wait_ended(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t);
void wait_check_run(const struct mirror_run *r); /* after a commit */
void wait_check_served(int64_t calm_since);      /* now and then, when nothing fails */
/* The key that it waits for, to be freed by json_decref; NULL: any. */
json_t *wait_key(const struct mirror_run *r, const struct mirror_task *t);
/* How many tasks of the tenant an event of this name and key is for now. */
int64_t wait_count(struct tenant t, const char *name, const char *key);
bool wait_is_told(int64_t n); /* a message with {"n": n} is stored, or was */

/* check_pause.c: what is to start nothing */
void pause_begin(const struct ff_change *changes, size_t n); /* of a commit */
void pause_end(void); /* all changes are applied */
void pause_queue_change(const struct ff_change *c);
void pause_queues_read(int node); /* a process has seen which are paused */
void pause_check_start(const struct mirror_run *r, const struct mirror_task *t);
/* Its time is over: of a wait, or for a slot. */
void pause_check_due(const struct mirror_run *r, const struct mirror_task *t);
void pause_check_queue_timeout(const struct mirror_run *r, const struct mirror_task *t);
/* What is marked waits for a slot anew from now on. */
void pause_begin_again(const struct mirror_run *r, const uint8_t *marks);
void pause_check_inner(int64_t calm_since); /* now and then, when nothing fails */
/* Is it paused by people, or *task of it? NULL: the run itself. */
bool pause_own(const struct mirror_run *r, const char **task);
void pause_watched(const struct mirror_run *r); /* nobody looks after it any more */
bool pause_of_queue(struct tenant t, const char *name);
size_t pause_n_queues(void);

/* --- check_total.c: tasks with total_timeout --- */

/* True: the row says no more than when it is over, or that it is. */
bool total_note(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t, uint64_t set);
void total_edge(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t);

/* --- check_run.c, check_history.c: a run that is final --- */

int64_t check_main_result(const struct mirror_run *r);

void check_run(struct mirror_run *r);
void check_outputs(const struct mirror_run *r); /* check_env.c */
void check_env(const struct ff_run_spec *spec);
void check_history(struct mirror_run *r);

/* --- check_fair.c: what tenants get of the slots --- */

void fair_set_up(void);
void fair_takes_slots(const struct mirror_run *r, int64_t n); /* or fewer */
void check_fair_rows(bool may_exceed);                        /* after each commit */
void check_fair(const struct control *c); /* after each event; of who leads */

/* --- check_memory.c: what processes hold against what is stored --- */

void check_memory(void);     /* after each event */
void check_memory_end(void); /* all is over */

#endif
