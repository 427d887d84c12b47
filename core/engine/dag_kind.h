/* engine/dag_kind.h - the kinds of tasks that the engine carries out itself. They take
 * no slot, no place under the run's parallelism and no process.
 *
 * Most kinds are attempts: they want a slot, and an executor carries out what
 * dag_work.c renders. They have no row in dag_kinds[]. The others have one, and a file
 * each.
 *
 * How to add a kind (NAME is its key in the workflow file):
 *   core/flow/flow.h          FLOW_NAME in enum flow_kind; what the engine must know of
 * it as a pointer in struct flow_work (many tasks share one) core/flow/spec_kind_NAME.c
 * spec_kind_NAME, the keys that mean nothing beside it, and how its value is read; in
 * spec_kind.h its declaration; in spec_kind.c its row of spec_kinds[]; in spec_task.c
 * the row of its key. Outputs that it has by itself are declared there, in
 * flow_work.outputs: then references, lists of a foreach and the command line know them
 *   core/engine/kind_NAME.c   dag_kind_NAME; here its declaration; in dag_unit.c its
 * row. A kind of attempts has a function in dag_work.c's renders[] instead
 *   docs/workflow-reference.md  the row of its key, a section, its codes; examples/
 *   tests/unit/flow, tests/unit/engine, tests/sim/flow_gen.c
 *
 * What a kind may do with its unit in each function: dag_finish() ends it, for good;
 * dag_goes_on() writes that it has begun and runs, dag_suspend() that it waits for
 * time, people or events. enter() calls exactly one of the three. A unit that is
 * suspended is found again after a restart with its due time, and ended by a stop: of
 * both a kind hears nothing. */
#ifndef ENGINE_DAG_KIND_H
#define ENGINE_DAG_KIND_H

#include "engine/dag_priv.h"

struct dag_kind {
    /* The unit is ready: its needs are met and its `if` holds. Its state is `running`
     * and its attempt counted, neither is written yet. Calls dag_finish, dag_goes_on
     * or dag_suspend. */
    void (*enter)(struct run *r, struct step *s, int64_t node);

    /* After a restart, of a unit that runs: says its effects again, or ends it when
     * what it waited for has happened. NULL: it never runs, it is suspended. */
    void (*resume)(struct run *r, struct step *s, int64_t node);

    /* Of a unit that is not over: it is to stop, by a cancel or since another item
     * failed. Ends it, or sees to it that it will end as an INPUT_RESULT. May come
     * again, also after a restart, and then with a stronger mode. NULL: it never runs,
     * and what is suspended is ended by the engine. */
    void (*stop)(struct run *r, struct step *s, int64_t node, enum cancel_mode mode);

    /* Of a unit that is suspended: the time is over that dag_suspend was told of. NULL:
     * it tells of none. */
    void (*due)(struct run *r, struct step *s, int64_t node);

    /* Of a unit that is suspended: it was told this. NULL when it is taken, or one word
     * that says why not. NULL function: nobody tells it anything. */
    const char *(*signal)(struct run *r, struct step *s, int64_t node,
                          const struct signal *signal);

    /* The rest is for kinds that remember what a suspended unit waits for; all of them,
     * or NULL. From its row, when the run is loaded. */
    int (*load)(struct run *r, const struct task_row *row, struct ff_err *err);
    /* After a restart: says again what others must know of it. */
    void (*again)(struct run *r, struct step *s, int64_t node);
    /* It is about to end. */
    void (*left)(struct run *r, struct step *s, int64_t node);
};

/* NULL: attempts. */
extern const struct dag_kind *const dag_kinds[FLOW_N_KINDS];

static inline const struct dag_kind *dag_kind_of(const struct run *r, int64_t node)
{
    return dag_kinds[flow_of(r)->tasks[NODE_TASK(node)].work->kind];
}

/* dag_unit.c */

/* Ends a unit. The texts and outputs are borrowed for the call. */
struct dag_end {
    enum task_state state;
    const char *reason, *message; /* or NULL */
    json_t *outputs;              /* or NULL */
    const char *stored;           /* they, as a row keeps them; NULL: write them */
};
void dag_finish(struct run *r, struct step *s, int64_t node, const struct dag_end *end);
/* It has begun, and runs. */
void dag_goes_on(struct run *r, struct step *s, int64_t node);

/* What a unit is suspended for. The texts are borrowed for the call. */
struct dag_wait {
    const char *reason;  /* one word: sleep, approval, event */
    const char *message; /* a sentence for people, or NULL */
    const char *awaits;  /* JSON for its row, see task_row.awaits, or NULL */
    int64_t due_at;      /* when the kind's due() is called; MODEL_NULL: never */
};
/* It has begun, and waits. */
void dag_suspend(struct run *r, struct step *s, int64_t node,
                 const struct dag_wait *wait);
/* It ends as failed, for an expression of it gave no good value. */
void dag_fail_expression(struct run *r, struct step *s, int64_t node,
                         const struct ff_err *err);

extern const struct dag_kind dag_kind_noop, dag_kind_switch, dag_kind_sleep,
    dag_kind_wait_until, dag_kind_transform, dag_kind_group, dag_kind_uses,
    dag_kind_approve, dag_kind_wait_event;

/* kind_uses.c: which text the task uses, of the run's pins; NULL: nobody decided. */
const json_t *dag_uses_pin(const struct run *r, int64_t node);

/* kind_child.c: of all kinds whose unit is a run of its own. */
void dag_child_resume(struct run *r, struct step *s, int64_t node);
void dag_child_stop(struct run *r, struct step *s, int64_t node, enum cancel_mode mode);
/* Begins the run. Text and JSON are borrowed for the call. */
void dag_child_begin(struct run *r, struct step *s, int64_t node,
                     const struct run_row *row, json_t *inputs, json_t *scope);

#endif
