/* engine/dag_priv.h - the DAG of a workflow file as a run: its state in memory.
 *
 * dag_reset.c begins a run again that was over.
 *
 * Who does what: dag.c takes inputs; dag_ready.c decides what may run next,
 * dag_needs.c whether needs allow it; dag_unit.c begins, stops and ends one task or
 * item; what is an attempt goes through dag_slot.c and dag_result.c, what is not
 * through its kind (dag_kind.h), and dag_cache.c asks before both; dag_repeat.c lets it
 * begin once more when it has succeeded; dag_silent.c stops what is not heard of,
 * dag_total.c what takes too long in all;
 * dag_row.c writes rows and events; dag_undo.c leads through what undoes
 * tasks, dag_phase.c through the handlers to the end; dag_load.c rebuilds all of it
 * from rows; dag_scope.c is what expressions see; dag_work.c renders an attempt. */
#ifndef ENGINE_DAG_PRIV_H
#define ENGINE_DAG_PRIV_H

#include "engine/engine.h"
#include "flow/flow.h"

/* One thing that can be run: a plain task, or one item of a foreach. Kept small:
 * a run may have 100,000 of them. */
struct unit {
    json_t *outputs;  /* object, or NULL */
    uint32_t version; /* of its row; 0: it has none */
    uint16_t attempt;
    uint16_t lost;
    int16_t exit_code; /* -1: none */
    uint8_t state;     /* enum task_state */
    uint8_t flags;
    uint32_t waiting; /* of a task: needs that are not final */
};
enum unit_flags {
    UNIT_BLOCKED = 1,   /* skipped because something before it failed */
    UNIT_HELD = 2,      /* queued, but held back by the run's parallelism */
    UNIT_STOPPED = 4,   /* a handler that ran when the run was cancelled */
    UNIT_ENTERING = 8,  /* of a kind of ours: begun, and its row does not say so yet */
    UNIT_SILENT = 16,   /* its attempt is being stopped since nothing is heard of it */
    UNIT_ASKING = 32,   /* queued and held, until the cache has answered */
    UNIT_PAUSED = 64,   /* queued and held, since its task or run is paused */
    UNIT_OVERTIME = 128 /* its attempt is being stopped by its total_timeout */
};

struct items {
    json_t *list; /* the evaluated foreach */
    uint32_t n;
    uint32_t wanted; /* how many are to be final: all, but of a compensation those
                      * whose item there is something to undo of */
    uint32_t next;   /* first one not yet offered */
    uint32_t active; /* offered or running or retrying */
    uint32_t final;  /* how many are final; never-started ones of a stopped foreach
                      * are not counted */
    uint32_t failed, cancelled;
    uint32_t told;    /* whose message the task has: the lowest that failed */
    bool stopping;    /* fail_fast or cancel: no more are offered */
    bool beginning;   /* dag_more_items is at work further up the stack */
    json_t *gathered; /* outputs by name as lists, once the task is final */
    int64_t *ended;   /* when each one did; NULL: nobody asks */
    int64_t begun_at; /* as in the row of the task: when the list was made, or goes on
                       * again since its run was reset */
    struct unit units[];
};

struct dag_task {
    struct unit unit;
    struct items *items; /* of an expanded foreach */
    int64_t ready_at;    /* when its needs were met; pins now() for if and foreach */
    int64_t ended_at;    /* 0: not final */
    char *message;       /* of a failure, for tasks.X.message */
};

/* Nodes that want a slot but wait for the run's own parallelism. */
struct node_queue {
    struct node_range {
        int64_t node, count;
    } * items;
    size_t n, cap, head;
};

enum dag_phase {
    PHASE_MAIN,
    PHASE_COMPENSATE,
    PHASE_HANDLER,
    PHASE_FINALLY,
    PHASE_ENDED
};

struct dag {
    const struct flow *flow;
    struct dag_task *tasks;
    char *bad_inputs; /* why it cannot begin, or NULL */
    char *turn_key;   /* concurrency.key under which it asked to begin, or NULL */
    enum dag_phase phase;
    enum flow_part part;       /* whose tasks, after PHASE_MAIN */
    uint32_t left;             /* tasks of the current phase that are not final */
    int64_t active;            /* units offered to the scheduler and not final */
    struct node_queue waiting; /* for parallelism */
    struct { /* tasks that became final and whose followers must hear of it */
        uint32_t *items;
        size_t n, cap;
    } settled;
    struct dues { /* retries and waits found when loading, until dag_resume sets their
                   * timers; and those that became due while they are paused */
        struct due {
            int64_t node, at;
        } * items;
        size_t n, cap;
    } due;
    struct { /* nodes of compensations that are due, in their order */
        int64_t *items;
        size_t n, cap, next;
    } undos;
    /* Made only when something has begun again, or repeats. */
    /* What begins again once no attempt of it runs, by task; NULL: nothing does. */
    uint8_t *resetting;
    int64_t resetting_left; /* of its units, those that run */
    struct map bases; /* node -> attempts that do not count for its retry; also of a
                       * task that repeats: those of the iterations before */
    struct map kept;  /* node of an item that is not in memory -> dag_kept of its row */
    struct map
        iterations;      /* node of a task that repeats -> which, from the second on */
    json_t *paused;      /* as run_row.paused, or NULL */
    int64_t unpaused_at; /* when something went on last; 0: it did not, since loaded */
    struct held_nodes {  /* what is ready and paused */
        struct node_range *items;
        size_t n, cap;
    } held;
    struct map deadlines; /* node with total_timeout -> when that is over */
    struct map awaited;   /* node that waits for an event -> kind_wait_event.c's own */
};

/* Of the row of an item whose task waits to be expanded again: its version and the last
 * attempt, which go on being counted. */
static inline void *dag_kept(uint32_t version, uint16_t attempt)
{
    return (void *)((uintptr_t)version << 16 | attempt);
}

static inline struct dag *dag_of(const struct run *r)
{
    return r->state;
}

/* Nothing of its task begins for now. */
static inline bool dag_is_resetting(const struct dag *d, int64_t node)
{
    return d->resetting && d->resetting[NODE_TASK(node)];
}

static inline const struct flow *flow_of(const struct run *r)
{
    return r->plan->data;
}

/* dag_row.c */
struct unit *dag_unit(struct dag *d, int64_t node); /* NULL: no such node */
struct task_row dag_row_of(const struct run *r, int64_t node, const struct unit *u);
/* Outputs as a row keeps them; mem_free it. */
char *dag_stored_text(json_t *outputs);
/* Inserts the row the first time, patches the columns in `set` after that. */
void dag_write_unit(struct step *s, const struct task_row *row, struct unit *u,
                    uint64_t set);
/* An event with the unit's task, item and attempt; closed with step_event_end. */
struct jsonw dag_event(const struct run *r, struct step *s, const char *type,
                       int64_t node, const struct unit *u);
void dag_event_end(struct jsonw *w, const struct task_row *row); /* how it ended */
void dag_event_iteration(const struct run *r, struct jsonw *w, int64_t node);
void dag_note_message(struct run *r, int64_t node, struct span message);
#define DAG_STOPPED "cancelled"
/* A handler is being stopped: its row says so, since a cancel is for the handlers of
 * its moment only, and the run's row does not tell which those were. */
void dag_note_stopped(struct run *r, struct step *s, uint32_t task);
/* A task with items: its own row, written when it is expanded and when it ends. */
void dag_put_expanded(struct run *r, struct step *s, uint32_t task);
void dag_end_expanded(struct run *r, struct step *s, uint32_t task);

/* dag_unit.c; more for kinds in dag_kind.h */
/* These are ready: they want slots, or begin now if they need none. */
void dag_want(struct run *r, struct step *s, int64_t node, int64_t count);
/* The same, once nothing stands for them in the cache. */
void dag_begin_units(struct run *r, struct step *s, int64_t node, int64_t count);
void dag_enter(struct run *r, struct step *s, int64_t node); /* needs no slot */
void dag_wait_due(struct run *r, struct step *s, int64_t node);
/* Ends a unit that has not run, or whose row needs no attempt. */
void dag_end_unit(struct run *r, struct step *s, int64_t node, enum task_state state,
                  const char *reason, const char *message);
/* What follows from a unit having become final. was_active: it had a place under the
 * run's parallelism. */
void dag_unit_final(struct run *r, struct step *s, int64_t node, struct unit *u,
                    bool was_active);
/* What stands for it with the scheduler and the timers goes. True: it had a place under
 * the run's parallelism. */
bool dag_take_back(struct run *r, struct step *s, int64_t node);
void dag_stop_unit(struct run *r, struct step *s, int64_t node, enum cancel_mode mode);

/* dag_slot.c */
void dag_offer(struct run *r, struct step *s, int64_t node, int64_t count);
/* Those that have their place under the run's parallelism. since: from when on they
 * wait, for their queue_timeout. */
void dag_offer_now(struct run *r, struct step *s, int64_t node, int64_t count,
                   int64_t since);
/* One unit less is active: the next one that waits for parallelism may go. */
void dag_inactive(struct run *r, struct step *s);
/* As many of those that wait for parallelism as may go. */
void dag_offer_waiting(struct run *r, struct step *s);
void dag_forget_held(struct run *r); /* nothing that is held back is offered any more */
void dag_grant(struct run *r, struct step *s, int64_t node);
#define DAG_MAX_ATTEMPTS UINT16_MAX /* over all iterations and lives of its run */
/* It has had so many that there is no number for another; it ends for that. */
bool dag_out_of_attempts(struct run *r, struct step *s, int64_t node);
void dag_queue_timeout(struct run *r, struct step *s, int64_t node);

/* dag_result.c */
void dag_result(struct run *r, struct step *s, const struct input *in);
/* due_at: from then on it waits for a slot. */
void dag_retry_due(struct run *r, struct step *s, int64_t node, int64_t due_at);
/* It is retrying: sets its timer, or goes on when that time is over. */
void dag_wait_retry(struct run *r, struct step *s, int64_t node, int64_t due_at);
bool dag_is_stopping(const struct run *r, int64_t node);

/* dag_repeat.c */
#define DAG_REPEAT "repeat" /* why it waits for another attempt */
int64_t dag_iteration(const struct run *r, int64_t node); /* from 1 */
/* After an attempt that succeeded. */
enum dag_turn {
    TURN_LAST,
    TURN_NEXT,
    TURN_STOPPED,
    TURN_TOO_MANY, /* with err */
    TURN_TOO_LATE, /* the next one would be, for total_timeout: with err */
    TURN_WRONG     /* `until` gave no good value: with err */
};
enum dag_turn dag_judge_repeat(struct run *r, const struct step *s, int64_t node,
                               const struct result *result, struct ff_err *err);
/* TURN_NEXT. ended: how the attempt ended. */
void dag_repeat(struct run *r, struct step *s, int64_t node,
                const struct result *result, const struct task_row *ended);

/* dag_silent.c */
#define DAG_HEARTBEAT "heartbeat"
/* The attempt that runs is stopped, and its row says why: it ends as its timeout. */
void dag_silent(struct run *r, struct step *s, int64_t node, int64_t attempt);
/* After a restart, also of one whose total_timeout is over. */
void dag_resume_stop(struct run *r, struct step *s, int64_t node);

/* dag_total.c */
#define DAG_TOTAL "total_timeout"
int64_t dag_deadline(const struct run *r, int64_t node); /* MODEL_NULL: none */
/* It is ready, or was when the run was loaded. */
void dag_total_begin(struct run *r, struct step *s, int64_t node);
void dag_total_load(struct dag *d, const struct task_row *row);
void dag_total_resume(struct run *r, struct step *s, int64_t node);
void dag_total_due(struct run *r, struct step *s, int64_t node);
/* True: its time is over, and it has ended for that instead of beginning. */
bool dag_total_over(struct run *r, struct step *s, int64_t node);
/* Is it over by then? */
bool dag_total_ends(const struct run *r, int64_t node, int64_t at);
/* Of one that would be tried again: how the last attempt ended. */
void dag_total_message(const char *reason, const char *message, struct ff_err *err);
void dag_total_final(struct run *r, struct step *s, int64_t node);
/* It begins anew. writes: in its row, too, which nobody else writes now. */
void dag_total_reset(struct run *r, struct step *s, int64_t node, bool writes);

/* dag_pause.c */
bool dag_is_paused(const struct run *r, int64_t node);
void dag_pause_load(struct run *r);
void dag_pause_done(struct dag *d);
/* True: it is held until the pause is over. */
bool dag_hold(struct run *r, int64_t node, int64_t count);
bool dag_hold_due(struct run *r, int64_t node, int64_t at);
const char *dag_pause(struct run *r, struct step *s, const struct input *in);
const char *dag_unpause(struct run *r, struct step *s, const struct input *in);
void dag_pause_cancelled(struct run *r, struct step *s);

/* dag_signal.c */
void dag_signal(struct run *r, struct step *s, const struct input *in);
/* Why an event is not taken, of which nobody need hear. */
#define DAG_NOT_WANTED "not_wanted"

/* kind_wait_event.c */
void dag_awaited_done(struct dag *d);

/* dag_retry.c: what retry.if says of this end; false with err when it fails. */
bool dag_retry_if(struct run *r, const struct step *s, int64_t node,
                  enum outcome outcome, const struct result *result,
                  struct ff_err *err);

/* dag_ready.c */
/* ready_at: when the last of what it waited for ended, maybe before a restart. */
void dag_task_ready(struct run *r, struct step *s, uint32_t task, int64_t ready_at);
/* Offers what may be, and ends the task when nothing of it is active after that. */
void dag_more_items(struct run *r, struct step *s, uint32_t task);
void dag_item_final(struct run *r, struct step *s, uint32_t task, const struct unit *u);
void dag_stop_items(struct run *r, struct step *s, uint32_t task,
                    enum cancel_mode mode);
void dag_settle(struct run *r, struct step *s); /* until nothing more follows */
struct items *dag_items_new(const struct dag *d, uint32_t task, uint32_t n);
void dag_items_free(struct items *items);
/* The list of a foreach; NULL with a message. `now_us` pins now(). */
json_t *dag_foreach_list(struct run *r, uint32_t task, int64_t now_us,
                         struct ff_err *err);
/* The list of items that there are already, should it not be in memory. */
int dag_items_list(struct run *r, uint32_t task, struct ff_err *err);

/* dag_reset.c */

/* Is row.reset about tasks of a run that goes on? */
bool dag_reset_is_open(const struct run *r);
/* By task: what `reset` (as in engine.h) is about. */
void dag_reset_marks(const struct run *r, struct span reset, uint8_t *of);
void dag_reset_tasks(struct run *r, struct step *s, const uint8_t *marks);
/* The unit as if it had not begun, but for the attempts that it has had. */
void dag_reset_unit(struct run *r, struct step *s, int64_t node);
int64_t dag_base(const struct run *r, int64_t node);
/* Items of a task that was expanded before, in an earlier life of the run. */
void dag_items_kept(struct dag *d, uint32_t task);

/* dag_reset_open.c */
/* Carries out row.reset on a run that was just loaded, or goes on with it. */
void dag_reset(struct run *r, struct step *s);
/* Stops the attempts that stand in the way. */
void dag_reset_stop(struct run *r, struct step *s);
/* An attempt has ended, or the cache has answered. True: this was one of them. */
bool dag_reset_result(struct run *r, struct step *s, int64_t node);
void dag_reset_drop(struct run *r, struct step *s); /* the run is cancelled */
/* NULL, or one word that says why not. */
const char *dag_reset_open(struct run *r, struct step *s, const json_t *body);

/* dag_matrix.c: the combinations of an evaluated matrix, which is taken over, as a
 * list of maps; NULL with err. */
json_t *dag_matrix_items(json_t *matrix, struct ff_err *err);

/* dag_needs.c */

#define DAG_UPSTREAM_FAILED "upstream_failed" /* those behind it are skipped, too */
/* NULL: nothing among the needs stands in the way. */
const char *dag_needs_reason(const struct dag *d, const struct flow_task *t);
bool dag_failed(const struct dag *d, uint32_t task); /* and continue_on_error is not
                                                      * for it */

/* dag_admit.c */
/* It is new, or was over and is to begin again. */
bool dag_is_to_begin(const struct run *r);
/* False: nothing limits how many runs there are. Else it is asked, or the run ended. */
bool dag_asks_to_begin(struct run *r, struct step *s);
void dag_admission(struct run *r, struct step *s, enum admission admission);
bool dag_cancel_pending(struct run *r, struct step *s, const char *reason);

/* dag_cache.c */
/* True: its outputs are looked for, or its key was wrong and it has failed. */
bool dag_cache_ask(struct run *r, struct step *s, int64_t node);
void dag_cache_answer(struct run *r, struct step *s, const struct input *in);
/* It has succeeded. outputs: as in its row. */
void dag_cache_put(struct run *r, struct step *s, int64_t node,
                   const struct result *result, struct span outputs);

/* dag_artifact.c */
/* Of what a unit gave: the run names the blobs among it. */
void dag_name_artifacts(const struct run *r, struct step *s, int64_t node,
                        const json_t *outputs);
/* The cache names them. As in cache_row.artifacts, to be freed; NULL: it has none. */
char *dag_cache_artifacts(const struct run *r, struct step *s, int64_t node,
                          const json_t *outputs);
/* The run names them, as long as the cache does. */
void dag_take_artifacts(const struct run *r, struct step *s, int64_t node,
                        const json_t *outputs);
/* Is there what looks like an artifact in it, however deep? */
bool dag_is_artifact_in(const json_t *value);

/* dag_limits.c */
void dag_offer_effect(struct run *r, struct step *s, int64_t node, int64_t count);
/* What this node wants of each of its task's limits; NULL with a sentence. */
const struct limit_need *dag_limits(struct run *r, int64_t node, struct arena *arena,
                                    struct ff_err *err);

/* dag_phase.c */
void dag_begin(struct run *r, struct step *s);
void dag_cancel(struct run *r, struct step *s, enum cancel_mode mode,
                const char *reason);
void dag_phase_done(struct run *r, struct step *s); /* when left reaches 0 */
enum run_state dag_main_result(const struct run *r);
void dag_find_phase(struct run *r); /* from the states of the tasks, after loading */
bool dag_phase_stopped(const struct run *r);

/* dag_undo.c */
/* False: there is nothing to undo. */
bool dag_undo_begin(struct run *r, struct step *s);
void dag_undo_resume(struct run *r, struct step *s, int64_t ready_at);
void dag_undo_next(struct run *r, struct step *s, int64_t ready_at);
/* Of a compensation: its task, or an item of it, did something and succeeded. */
bool dag_undo_due(const struct run *r, uint32_t task);
/* Of one that has items: makes room for them; wanted as in struct items. */
int dag_undo_items(struct run *r, uint32_t task, int64_t wanted, struct ff_err *err);
int dag_undo_loaded(struct run *r, uint32_t task, struct ff_err *err);
void dag_undo_item_final(struct run *r, struct step *s, uint32_t task);
uint32_t dag_undos_left(const struct run *r);
/* What went wrong with them, behind what is there. */
void dag_undo_message(const struct run *r, struct buf *out);

/* dag_load.c */
int dag_load_task(struct run *r, const struct task_row *row, json_t *outputs,
                  struct ff_err *err);
int dag_loaded(struct run *r, struct ff_err *err);
void dag_count_waiting(struct dag *d);
void dag_resume(struct run *r, struct step *s);
void dag_resume_dues(struct run *r, struct step *s);

/* dag_scope.c: what one expression sees. */
struct dag_scope {
    struct expr_scope scope;
    struct run *run;
    const struct flow_task *task; /* whose expression it is, or NULL */
    int64_t item;                 /* -1: none */
    int64_t attempt;
    bool is_list;     /* what it makes is the list of items */
    json_t *more;     /* names that only this expression has, before all others;
                       * borrowed, or NULL */
    json_t *made[16]; /* what look-ups built, by place in the table of names */
};
void dag_scope_init(struct dag_scope *sc, struct run *r, const struct flow_task *task,
                    int64_t item, int64_t attempt, int64_t now_us);
/* New reference, or NULL with a sentence. */
json_t *dag_eval(struct dag_scope *sc, const struct flow_value *v, struct ff_err *err);
json_t *dag_eval_tmpl(struct dag_scope *sc, const struct tmpl *t, struct ff_err *err);
/* A condition: FF_OK with *holds, or a code with a sentence. */
int dag_truth(struct dag_scope *sc, const struct tmpl *t, bool *holds,
              struct ff_err *err);
void dag_scope_done(struct dag_scope *sc);
/* What tasks.NAME is, here or outside. New reference, or NULL. */
json_t *dag_task_value(struct run *r, const char *name);
/* item, index, parent, iteration and previous as the unit of this scope hands them to a
 * run inside it. */
json_t *dag_scope_item(struct dag_scope *sc);

/* dag_http.c */
/* What the program of a task with http is told. New reference, or NULL. */
json_t *dag_http_request(struct dag_scope *sc, const struct flow_http *h,
                         struct ff_err *err);
/* Appends the secrets that it names; there is room for one a header and one more. */
void dag_http_secrets(const struct flow_http *h, struct arena *arena,
                      struct work_secret *secrets, size_t *n);

/* dag_work.c */
int dag_describe(struct run *r, int64_t node, int64_t attempt, struct arena *arena,
                 struct work *work, struct ff_err *err);
void dag_node_path(const struct run *r, int64_t node, char *out, size_t size);

#endif
