/* flow_gen.h - what the writers of random workflows share: flow_gen.c writes the file
 * and its tasks, flow_inner.c tasks that are runs of their own, flow_limit.c what is
 * limited across runs, flow_wait.c tasks that wait for an event, flow_value.c values
 * too large for rows. */
#ifndef SIM_FLOW_GEN_H
#define SIM_FLOW_GEN_H

#include "sim.h"

#define GEN_MAX_TASKS 64

/* Tasks are named by their number behind a prefix: t3, and t3x0 inside of it. */
struct gen {
    struct buf *out;
    const char *prefix;
    int n;     /* tasks */
    int depth; /* groups around it */
    int kid;   /* it may use the workflows below this one */
    /* What the tasks written so far can offer to later ones. */
    bool has_v[GEN_MAX_TASKS], has_list[GEN_MAX_TASKS], is_list[GEN_MAX_TASKS],
        is_switch[GEN_MAX_TASKS], is_fixed[GEN_MAX_TASKS], /* its list is */
        has_a[GEN_MAX_TASKS], has_d[GEN_MAX_TASKS],        /* artifacts */
        has_big[GEN_MAX_TASKS];
    bool lists_runs; /* there is a list of runs in it, or in what it uses */
    /* Of a group: */
    const struct gen *around;
    uint32_t around_needs; /* tasks out there that may be used */
    bool in_list;          /* it has a foreach */
    int n_lists;           /* how many around have one */
};

bool gen_odds(int64_t permille);
int gen_below(int n);
int gen_any_of(uint32_t set); /* one of the tasks in the set, or -1 */
void gen_tasks(struct gen *g);
void gen_total(struct gen *g);
void gen_retry(struct gen *g);
void gen_repeat(struct gen *g, bool is_list);
void gen_compensate(struct gen *g, int task, bool is_list);
/* Of a run, and of a group: the first value that a task has. */
void gen_outputs(struct gen *g);
bool gen_has_value(const struct gen *g); /* is there one? */

/* flow_inner.c: the next task's kind is a group, or another workflow. */
bool gen_is_inner(const struct gen *g, bool is_list);
void gen_inner(struct gen *g, int task, uint32_t needs, bool is_list);
void gen_note_kid(const struct gen *g); /* it is written, and others may use it */

/* flow_wait.c */
void gen_wait_event(struct gen *g, bool is_list);
void gen_queue(struct gen *g); /* of an attempt */

/* flow_artifact.c */
void gen_artifacts(struct gen *g, int task, uint32_t needs);

/* flow_cache.c */
void gen_cache(struct gen *g, int task, bool is_list);

/* flow_value.c */
bool gen_big(struct gen *g, int task);             /* it has an output `big` */
void gen_big_env(struct gen *g, uint32_t needs);   /* what it is told of others' */
int gen_first_big(const struct gen *g);            /* the task with one, or -1 */
void gen_value_outputs(struct gen *g, int with_v); /* of a run; -1: none has v */

/* flow_limit.c */
void gen_limits(struct gen *g);      /* of a task */
void gen_concurrency(struct gen *g); /* of the file */

#endif
