/* engine/engine.h - what a run does next: a pure function.
 *
 * engine_step(run, inputs, now) -> { changes, effects }. It calls no driver and knows
 * no clock, randomness, I/O, thread or environment (a test checks the symbols), so
 * the whole engine runs under a seeded simulator. The changes of a step are one
 * batch; its effects of the kind "after" are carried out when that batch is durable.
 *
 * A run is a state machine behind struct engine_kind. The DAG of a workflow file is
 * the first kind; the shell around it (control, exec, sched, store) knows nodes,
 * attempts, slots and timers, and no word of DAGs. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "model/model.h"

struct run;
struct engine_kind;

/* Which attempt, everywhere outside the engine. */
struct attempt_key {
    struct tenant tenant;
    int64_t run, node, attempt;
};
/* "TENANT RUN NODE ATTEMPT", the body of start messages too. */
#define ATTEMPT_KEY_TEXT 96
void attempt_key_text(const struct attempt_key *key, char out[ATTEMPT_KEY_TEXT]);
bool attempt_key_parse(const void *text, size_t len, struct attempt_key *key);

/* --- inputs --- */

enum input_type {
    INPUT_BEGIN,  /* first input of a new run */
    INPUT_RESUME, /* first input after engine_load: emit every standing effect again */
    INPUT_GRANT,  /* the scheduler gives `node` a slot */
    INPUT_RESULT, /* attempt `attempt` of `node` has ended */
    INPUT_TIMER,  /* the timer (node, timer) is due */
    INPUT_ADMIT,  /* the answer to EFFECT_ADMIT */
    INPUT_FOUND,  /* the answer to EFFECT_LOOK_UP: `result`, or NULL: nothing */
    INPUT_CANCEL, /* stop: gracefully, or kill */
    INPUT_SIGNAL, /* what people and programs tell a run */
    INPUT_SILENT  /* `attempt` of `node` gave no sign of life for too long */
};

/* How an attempt ended. The names are the words of retry.on and of histories. */
enum outcome {
    OUTCOME_SUCCEEDED, /* exit code 0 and every declared output there */
    OUTCOME_FAILED,
    OUTCOME_TIMEOUT,
    OUTCOME_LOST, /* gone without an exit status */
    OUTCOME_OOM,
    OUTCOME_EVICTED,
    OUTCOME_CANCELLED,
    /* Stopped by the engine, after an INPUT_SILENT or a TIMER_TOTAL: none of an
     * executor's. */
    OUTCOME_HEARTBEAT,
    OUTCOME_TOTAL
};

struct result {
    enum outcome outcome;
    int64_t exit_code;   /* MODEL_NULL: it never exited */
    const char *reason;  /* one word when failed for another cause than its exit code:
                          * start_failed, output_missing ...; or NULL */
    const char *message; /* a sentence for people, or NULL */
    json_t *outputs;     /* object or NULL; borrowed */
    const char *stored;  /* the same as the row keeps it (large values by reference),
                          * or NULL: write `outputs` itself */
    bool in_run; /* some of `stored` is by reference to what goes with the run */
    int64_t started_at, ended_at; /* wall clock; 0 unknown */
    int64_t log_chunks, log_bytes, log_dropped;
};

enum timer_kind { TIMER_RETRY, TIMER_QUEUE, TIMER_RUN, TIMER_WAIT, TIMER_TOTAL };
/* May it begin? WAIT: not yet, and there will be another answer. CANCEL and FAIL:
 * never, and so it ends. */
enum admission { ADMISSION_GO, ADMISSION_WAIT, ADMISSION_CANCEL, ADMISSION_FAIL };
enum cancel_mode { CANCEL_NONE, CANCEL_GRACEFUL, CANCEL_KILL };

/* The kinds of runs know what the words mean; one that they do not know is refused. The
 * shell knows one: what is told by "signal" it keeps until a node waits for it, and
 * then offers it to that node (input.node and attempt). */
#define SIGNAL_KEPT "signal"
struct signal {
    const char *word;   /* approve, reject ... */
    const json_t *body; /* object, or NULL; of SIGNAL_KEPT and "event" with name, key or
                         * not, and data */
};

struct input {
    enum input_type type;
    int64_t node;
    int64_t attempt;
    enum timer_kind timer;
    enum cancel_mode cancel;
    bool ousted; /* CANCEL: for the sake of a newer run */
    enum admission admission;
    const struct result *result; /* borrowed for the step */
    const struct signal *signal; /* the same */
};

/* --- effects --- */

enum effect_type {
    /* at once: only memory is touched */
    EFFECT_OFFER,   /* nodes node .. node+count-1 want a slot each */
    EFFECT_RETRACT, /* those of node .. node+count-1 not yet granted no longer want one
                     */
    EFFECT_FREE,    /* the slot granted to `node` is free again */
    EFFECT_ADMIT,   /* may the run begin, or go on if it did? `count` with `key` may */
    EFFECT_TIMER,   /* set timer (node, timer) to at_us; 0 deletes it */
    EFFECT_AWAIT,   /* `attempt` of `node` waits for signals of `name` (and `key`, where
                     * there is one); name NULL: no longer */
    EFFECT_FORGET,  /* grants and timers of `node` that have not come in yet are void */
    /* after the batch is durable */
    EFFECT_START,   /* start `attempt` of `node` */
    EFFECT_ADOPT,   /* after a restart: take charge of it again (it holds a slot) */
    EFFECT_STOP,    /* end it: SIGTERM, grace_us, SIGKILL */
    EFFECT_CHILD,   /* see how the run is that `attempt` of `node` is: its end comes as
                     * INPUT_RESULT. cancel: and stop it */
    EFFECT_LOOK_UP, /* has the cache outputs under `key` for `node`? */
    EFFECT_ENDED    /* the run is final */
};

/* What a node wants of one limit. */
struct limit_need {
    const char *name; /* "semaphore:gpu"; of the tenant */
    int64_t amount;
    int64_t size;   /* places that there are; 0: as set for the tenant */
    int64_t per_us; /* of a rate: places a time so long; else 0 */
};

/* Whether a run inside this one is to start anything; AS_IT_IS: nobody says. */
enum effect_pause { PAUSE_AS_IT_IS, PAUSE_ON, PAUSE_OFF };

/* What becomes of a run when there are `count` already: as flow's overflow. */
enum effect_overflow {
    OVERFLOW_QUEUE,
    OVERFLOW_CANCEL_OLDEST,
    OVERFLOW_CANCEL_NEWEST,
    OVERFLOW_FAIL
};

struct effect {
    enum effect_type type;
    int64_t node;
    int64_t attempt;
    int64_t count;
    enum timer_kind timer;
    int64_t at_us;
    int64_t grace_us;
    int32_t priority;                /* OFFER */
    const char *queue;               /* OFFER; lives as long as the run */
    const char *node_selector;       /* OFFER; the same, or NULL */
    const struct limit_need *limits; /* OFFER; lives until the step is committed */
    uint32_t n_limits;
    enum cancel_mode cancel; /* CHILD */
    enum effect_pause pause; /* CHILD */
    const char *key;  /* ADMIT, LOOK_UP; as long. AWAIT; until the step is committed */
    const char *name; /* AWAIT; as long as the run */
    enum effect_overflow overflow;
};

struct effects {
    struct effect *items;
    size_t n, cap;
};

/* One step in the making. Zeroed is ready; the shell keeps it until the batch is
 * durable and may add inputs to it until then. */
struct step {
    struct batch batch;
    struct effects effects;
    struct { /* runs that begin with this step; their numbers and ids are the shell's */
        struct run_row *items; /* text in the batch */
        size_t n, cap;
    } children;
    struct buf events; /* JSON array body in the making */
    int64_t now_us;
    bool taken; /* a node took the signal of the last INPUT_SIGNAL */
};
void step_reset(struct step *s);
void step_done(struct step *s);

/* --- what an attempt is to do --- */

enum work_from { WORK_FROM_FILE, WORK_FROM_STDOUT, WORK_FROM_SDK };
enum work_as { WORK_AS_TEXT, WORK_AS_JSON, WORK_AS_FILE, WORK_AS_ARTIFACT };
struct work_output {
    const char *name;
    const char *file; /* in $FF_OUT, and as it is kept */
    enum work_from from;
    enum work_as as;
    bool optional;
};

/* A file or folder that the attempt is given, or where `value` is a list a folder of
 * them. */
struct work_artifact {
    const char *name;
    const char *path;  /* in $FF_ARTIFACTS */
    const char *value; /* JSON of the output that it is */
};

/* A value that is not the run's: the executor finds it when the attempt starts. */
struct work_secret {
    const char *name;
    const char *variable; /* of the environment; NULL: standard input */
};

/* The program that carries out a task with http. */
#define WORK_HTTP_PROGRAM "flowforge-http"

/* Everything a runtime must be told, rendered from the run's state; owned by the arena
 * that was handed in. The shell adds the variables of the task contract. */
struct work {
    const char *task; /* "fetch" */
    const char *path; /* "fetch", or "fetch.3" for an item */
    int64_t attempt;
    const char *tenant, *project; /* names, by who leads runs; NULL: the default one */
    const char *const *argv;      /* ends with NULL; NULL: nothing, it has succeeded */
    const char *const *env;       /* "K=V", ends with NULL */
    const char *script; /* argv[1], where that is a file beside the workflow; or NULL */
    const char *dir;    /* absolute, or relative to run_row.dir, or NULL */
    const char *input;  /* or NULL */
    size_t input_len;
    int64_t timeout_us, grace_us, cpu_milli, memory_bytes;
    int64_t heartbeat_us;      /* the longest silence; 0: any */
    const char *node_selector; /* labels of where it is to run, or NULL */
    const struct work_output *outputs;
    size_t n_outputs;
    const struct work_artifact *artifacts;
    size_t n_artifacts;
    bool artifact_dir; /* it is given some, or leaves some */
    const struct work_secret *secrets;
    size_t n_secrets;
    bool http; /* argv[0] is WORK_HTTP_PROGRAM, to be found by the executor */
};

/* --- the run --- */

/* A parsed plan, shared by all runs pinned to the same hash. */
struct plan {
    const struct engine_kind *kind;
    void *data;
    size_t source_len;
    _Atomic int64_t refs; /* a lane that loads a run holds one too */
};
/* entry: the part of the source that the run is, or the null span for all of it. NULL
 * with a sentence. */
struct plan *plan_new(const struct engine_kind *kind, const char *source, size_t len,
                      struct span entry, struct ff_err *err);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);

struct run {
    const struct engine_kind *kind;
    struct plan *plan;
    struct run_row row; /* text in `arena` */
    json_t *inputs;
    json_t *outside; /* run_row.scope, or NULL */
    json_t *pins;    /* run_row.pins, or NULL */
    int64_t next_seq;
    int64_t shard;
    struct arena arena;
    void *state; /* the kind's own */
};

struct engine_kind {
    const char *name; /* run_row.kind */

    /* Source text -> plan data, or NULL with one sentence (file:line in it). */
    void *(*plan_new)(const char *source, size_t len, struct span entry,
                      struct ff_err *err);
    void (*plan_free)(void *data);

    void *(*state_new)(struct run *r);
    void (*state_free)(struct run *r);
    /* After state_new, in key order; outputs is the row's value with references
     * resolved (borrowed, may be NULL). */
    int (*load_task)(struct run *r, const struct task_row *row, json_t *outputs,
                     struct ff_err *err);
    /* After the last row: rebuild what rows do not say. */
    int (*loaded)(struct run *r, struct ff_err *err);

    void (*step)(struct run *r, const struct input *in, struct step *s);

    /* What attempt `attempt` of `node` is to do; FF_INVALID with a sentence when an
     * expression fails (the attempt then fails), FF_NOT_FOUND when it is not running.
     */
    int (*describe)(struct run *r, int64_t node, int64_t attempt, struct arena *arena,
                    struct work *work, struct ff_err *err);

    /* Is this attempt the one that is running? Guards late calls of tasks. */
    bool (*is_current)(const struct run *r, int64_t node, int64_t attempt);

    /* "fetch", "fetch.3"; and back (-1: no such). For people and for ids. */
    void (*node_path)(const struct run *r, int64_t node, char *out, size_t size);
};

extern const struct engine_kind engine_dag;

/* Kinds by name; tests add their own, and the last of a name counts. NULL when unknown.
 */
const struct engine_kind *engine_kind_find(const char *name);
void engine_kind_add(const struct engine_kind *kind);

/* A run in memory from its row (copied) and plan (one more reference). */
struct run *engine_run_new(struct plan *plan, const struct run_row *row, int64_t shard,
                           struct ff_err *err);
void engine_run_free(struct run *r); /* takes NULL */

/* The rows that a new run consists of: run, open_run, first event. */
void engine_run_create(const struct run_row *row, int64_t shard, struct batch *b);

/* Who asked for a run that engine_run_create has put into the batch, `at` that place: a
 * traceparent of W3C's Trace Context, which its history then has. */
void engine_run_asked_by(struct batch *b, size_t at, const char *traceparent);

/* Other inputs for a run that engine_run_create has put into the batch: `at` is the
 * change that makes its row. */
void engine_run_set_inputs(struct batch *b, size_t at, struct span inputs);

/* The rows of one that is a task's attempt; `row` says whose. */
void engine_child_create(const struct run_row *row, int64_t shard, struct batch *b);
/* Begins with this step, as `attempt` of `node`: what `row` leaves open is taken from
 * the run. Its text is copied. */
void step_child(const struct run *r, struct step *s, int64_t node, int64_t attempt,
                const struct run_row *row);
/* How deep runs may be inside each other. */
#define ENGINE_MAX_DEPTH 16

/* What makes a final run open again: its row, guarded by the version that was read,
 * open_run, and an event. Who loads it next carries out what `reset` says, JSON text:
 *   {"what": "failed"}                  all that went wrong, and all behind it
 *   {"what": "task", "task": "NAME"}    this task and all behind it
 *   {"what": "all"}                     every task
 * "open": true with it: the run was not over, and its handlers have not begun. */
struct run_reopen {
    const char *reset; /* borrowed for the life of the batch */
    int64_t shard;
    int64_t last_seq; /* of its events */
    int64_t now_us;
    bool no_cache; /* from now on */
};
void engine_run_reopen(struct run_row *row, const struct run_reopen *how,
                       struct batch *b);

/* What ends a run that cannot be loaded: its own row, and the event that says why with
 * those that the step has already. seq: of its last event, 0 unknown: then none is
 * written. row: its key; the rest is filled in, the text of `message` is borrowed. */
#define ENGINE_QUARANTINED "quarantined"
void engine_run_set_aside(struct run_row *row, int64_t shard, int64_t seq,
                          const char *message, struct step *s);

/* Applies inputs to the run in memory and adds to the step. May be called several
 * times for one step; engine_step_seal then adds the event row. After a failed
 * commit the run in memory is ahead of the store: free it and load it again. */
void engine_step(struct run *r, const struct input *in, struct step *s);
void engine_step_seal(struct run *r, struct step *s); /* nothing happened: no row */

/* --- for kinds --- */

/* Writes n, at most ENGINE_INT_TEXT characters and no NUL; returns the end of it. */
#define ENGINE_INT_TEXT 20
char *engine_put_int(char *p, int64_t n);

/* Opens an event of the step: {"type": ..., "task": ..., more keys by the caller};
 * close with step_event_end. */
struct jsonw step_event(struct step *s, const char *type);
void step_event_end(struct step *s, struct jsonw *w);
void step_effect(struct step *s, struct effect e);

/* Run row changes; each patches the row and writes its event. */
void engine_run_started(struct run *r, struct step *s);
/* Tasks of it are to begin again while it goes on: `reset` and `no_cache` as in struct
 * run_reopen, but that a cache which is not asked stays so. */
void engine_run_resetting(struct run *r, struct step *s, const char *reset,
                          bool no_cache);
/* Its tasks are what row.reset asked for. was_over: it has been opened again. */
void engine_run_reset(struct run *r, struct step *s, bool was_over);
/* It is pending, for this reason, also when it was over and is to begin again; no
 * event, since whether it waits is up to others. */
void engine_run_waits(struct run *r, struct step *s, const char *reason,
                      const char *message);
/* text: for its row, or NULL. The event is the kind's. */
void engine_run_paused(struct run *r, struct step *s, const char *text);
void engine_run_cancelling(struct run *r, struct step *s, enum cancel_mode mode,
                           const char *reason);
void engine_run_ended(struct run *r, struct step *s, enum run_state state,
                      const char *reason, const char *message, json_t *outputs);

#endif
