/* sim.h - the seeded simulator: the real engine, control, sched, store room and
 * executor of several processes, in one thread and in virtual time.
 *
 * main.c runs seeds, each in a process of its own (seed.c), and shrink.c makes one that
 * failed smaller; world.c leads one seed from its
 * options (options.c) through faults to the end; loop_sim.c is the loop in virtual
 * time; store_sim.c, queue_sim.c and runtime_sim.c are drivers with faults; node_sim.c
 * is one process of FlowForge that may crash and be stopped; client.c submits and
 * cancels what flow_gen.c wrote; check_*.c judge. One seed is one process, so what is
 * here is global: a crashed process of the simulation is simply left in memory. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "control/control.h"
#include "exec/exec.h"
#include "flow/flow.h"

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
    X(sqlite)        /* the store is SQLite; 0: the model */

struct sim_options {
#define X(name) int64_t name;
    SIM_OPTIONS(X)
#undef X
};
void options_draw(struct sim_options *o);
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
    X(QUEUE_TO_ZOMBIE) X(START_AGAIN) X(START_BUSY) X(START_REFUSED)                   \
    X(TASK_BAD) X(TASK_LOST) X(TASK_OOM) X(TASK_EVICTED) X(TASK_TIMEOUT)               \
    X(TASK_STOPPED) X(TASK_KILLED) X(STOP_TOO_LATE) X(EVENT_DOUBLE) X(EVENT_LATE)      \
    X(RESULT_DOUBLE)                                                                   \
    X(WIPED) X(ADOPT_RUNNING) X(ADOPT_EXITED) X(ADOPT_UNKNOWN) X(ADOPT_NEVER_BEGAN) X(FORGOTTEN)                         \
    X(TO_RUNNING) X(TO_RETRYING) X(RETRYING_TO_RUNNING) X(RETRYING_TO_CANCELLED)       \
    X(TO_SUCCEEDED) X(CANCELLED_RUNNING) X(CANCELLED_UNSTARTED)                        \
    X(EXIT_CODE) X(TIMEOUT) X(HEARTBEAT) X(LOST) X(OOM) X(EVICTED) X(START_FAILED)                  \
    X(OUTPUT_MISSING) X(EXPRESSION) X(QUEUE_TIMEOUT) X(UPSTREAM_FAILED)                \
    X(NEED_SKIPPED) X(IF_FALSE) X(ITEM_FAILED) X(FORGIVEN)                             \
    X(FORMULA_TRUE) X(FORMULA_FALSE) X(NEEDS_FALSE) X(RETRY_IF) X(CASE_TAKEN) \
    X(CASE_NOT_TAKEN) X(AT_ONCE) X(TO_SUSPENDED) X(WAIT_OVER) X(WAIT_CANCELLED) \
    X(EXPANDED) X(EXPANDED_EMPTY) X(FAIL_FAST) X(JUDGED_FAILED) X(MAX_PARALLEL)        \
    X(PARALLELISM) X(SLOTS_FULL) X(TWO_TENANTS)                                        \
    X(RUN_SUCCEEDED) X(RUN_FAILED) X(RUN_CANCELLED) X(RUN_TIMEOUT) X(RUN_KILLED)       \
    X(HANDLER_FAILED) X(RUN_OUTPUTS) X(LIST_OUTPUTS)                                                  \
    X(CANCEL_INBOX) X(CANCEL_DIRECT) X(CANCEL_HARDER) X(CANCEL_OF_HANDLER)             \
    X(CANCEL_OVER) X(ON_SUCCESS) X(ON_FAILURE) X(ON_CANCEL) X(FINALLY)       \
    X(SQLITE)
/* clang-format on */

enum sim_seen {
#define X(name) SEEN_##name,
    SIM_SEEN(X)
#undef X
        N_SEEN
};
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
/* fn in the world, or on a loop's thread (then not while it is paused, and never once
 * it is dead). */
void sim_at(struct loop *l, int64_t delay_us, ff_call_fn *fn, void *arg);
void sim_loop_init(struct loop *l, int node, int64_t skew_us);
void sim_loop_kill(struct loop *l);
void sim_loop_pause(struct loop *l);
void sim_loop_resume(struct loop *l);
bool sim_loop_is_dead(const struct loop *l);
bool sim_loop_is_paused(const struct loop *l);
int sim_loop_node(const struct loop *l);
uint64_t sim_loop_events(const struct loop *l); /* that it has had */

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

extern const struct ff_driver store_sim_driver, queue_sim_driver, runtime_sim_driver;
/* The instance whose sessions are opened next belongs to this process. */
void sim_opening(int node, struct loop *l);

void store_sim_init(void);
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
void runtime_sim_wipe(void);
/* The attempt's process is there now. */
bool runtime_sim_runs(const char *attempt_id);
/* Wall clock at which its process ended; 0: it did not, or there was none. */
int64_t runtime_sim_ended(const char *attempt_id);
int64_t runtime_sim_started(const char *attempt_id); /* the same of its beginning */
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
    struct driver_instance *store_driver, *queue, *runtime;
    struct store *store;
    struct control *control;
    struct exec *exec;
    struct map unsettled; /* attempts by key whose results were given to control */
    uint64_t life;        /* counts its starts */
    int64_t calm_since;   /* it became the owner, or went on after a pause */
};
extern struct sim_node sim_nodes[SIM_MAX_NODES];
void nodes_boot(void);
void nodes_heal(void);              /* all are up and stay so */
struct sim_node *nodes_owner(void); /* holds the lock; may be paused, dead soon; NULL */
void nodes_wake(void);              /* a client knocks */

/* --- client.c --- */

void client_open(void);
void client_plan(void);    /* all that clients will do, as events */
void client_act_now(void); /* something of it at once, between two reads */
bool client_is_done(void);
void client_check(void); /* what was acknowledged is so */

/* --- flow_gen.c --- */

/* A workflow as text; mem_free it. */
char *flow_gen(void);

/* --- check_commit.c: the mirror of the store, judged with every commit --- */

struct mirror_task {
    struct task_row row; /* text below */
    char reason[32];
    char message[128];
    char *outputs;
    bool item_failed; /* of a task with items: one of them did, for good */
};

struct mirror_run {
    struct tenant tenant;
    int64_t no;
    char id[ID_TEXT];
    struct run_row row; /* text: id only */
    char reason[32];
    char *inputs, *outputs;
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
};

struct mirror {
    struct map runs;   /* number -> struct mirror_run */
    struct map flows;  /* hash -> struct flow */
    int owner;         /* process that took the shard last */
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
/* The driver has refused a commit for change `failed`; none of them: it may be any. */
void told_at_fault(const struct ff_change *changes, size_t n, size_t failed);
struct mirror_run *mirror_run(int64_t no);
struct mirror_task *mirror_task(const struct mirror_run *r, int64_t node);
/* "fetch.3" -> attempt id; false when the run is unknown. */
struct mirror_task *mirror_find(const char *attempt_id, struct mirror_run **run,
                                int64_t *attempt);
void mirror_attempt_id(const struct mirror_run *r, const struct mirror_task *t,
                       char *out, size_t size);

/* check_edge.c: may a task row go from this state to that one? */
bool is_attempt(const struct flow_task *t); /* carried out by an executor, in a slot */
void check_edge(struct mirror_run *r, const struct mirror_task *before,
                struct mirror_task *t, uint64_t set);
void check_limits(struct mirror_run *r);

/* --- check_run.c, check_history.c: a run that is final --- */

void check_run(struct mirror_run *r);
void check_env(const struct ff_run_spec *spec);
void check_history(struct mirror_run *r);

/* --- check_memory.c: what processes hold against what is stored --- */

void check_memory(void);     /* after each event */
void check_memory_end(void); /* all is over */

#endif
