/* why/why.h - why a run or a task does not run, or did not succeed: one word out of a
 * table that stays, and a sentence. Rows in, an answer out; who reads the rows, and
 * whether anybody leads the run, is the caller's. What the rows do not say - the turn
 * among those that wait for a slot - is the owner's own and not told. */
#ifndef WHY_WHY_H
#define WHY_WHY_H

#include "flow/flow.h"
#include "model/model.h"

/* The first four are states; the others say why there is no progress. */
enum why_code {
    WHY_RUNNING,
    WHY_SUCCEEDED,
    WHY_FAILED,
    WHY_CANCELLED,
    WHY_NEEDS,
    WHY_SLOT,
    WHY_LIMIT,
    WHY_RATE,
    WHY_CONCURRENCY,
    WHY_TIME,
    WHY_APPROVAL,
    WHY_EVENT,
    WHY_RETRY,
    WHY_PAUSED,
    WHY_NO_OWNER,
    WHY_CONDITION,
    WHY_UPSTREAM,
    N_WHY_CODES
};
#define WHY_N_STATES 4

struct why_word {
    const char *word;    /* for programs: never changes */
    const char *meaning; /* for people, in docs/cli.md too */
};
extern const struct why_word why_words[N_WHY_CODES];

/* A limit that has no room for a task. */
struct why_limit {
    char name[FLOW_MAX_LIMIT_NAME + 16]; /* "semaphore:gpu" */
    char holders[200];                   /* "run 0199f1c2 (train)", or "" */
    int64_t held, size;
    int64_t until_us; /* of a rate; else MODEL_NULL */
};
/* The first limit of a task that is full; false: each has room, or is not known. */
typedef bool why_limit_fn(void *arg, const struct flow_task *task,
                          struct why_limit *out);

/* The executors that a task may run at. */
struct why_executors {
    int64_t n, n_all;             /* those with its labels, and all */
    int64_t n_attempts, n_places; /* of those with its labels */
};
/* false: tasks run without, or nobody knows of them. */
typedef bool why_executors_fn(void *arg, const struct flow_task *task,
                              struct why_executors *out);

struct why_queue {
    const char *name, *by;
    int64_t since_us;
};

struct why_task {
    struct task_row row;          /* version 0: it has none */
    const struct task_row *items; /* all rows of its items, in any order */
    size_t n_items;
};

/* Borrowed; all text lives as long as the answer is used. */
struct why_rows {
    const struct flow *flow;
    const struct run_row *run;
    const struct why_task *tasks;   /* by index */
    const struct why_queue *queues; /* paused ones */
    size_t n_queues;
    why_limit_fn *limit; /* or NULL: nothing is known of limits */
    void *limit_arg;
    why_executors_fn *executors; /* or NULL: the same of executors */
    void *executors_arg;
    bool led; /* some process leads open runs */
    int64_t now_us;
    int64_t n_running; /* attempts of this run, by why_begin */
};
/* Once, when the rest is there. */
void why_begin(struct why_rows *rows);

struct why_answer {
    enum why_code code;
    int64_t task, item;          /* index in the file, or -1: the run, no item */
    struct span reason, message; /* of the row, where it has them */
    int64_t exit_code, attempt;  /* MODEL_NULL, 0: none */
    int64_t until_us;            /* when that is over at the latest; MODEL_NULL */
    /* What it waits for: "semaphore:gpu", "engine.slots"; what is paused: "run",
     * "queue gpu"; else "". */
    char what[FLOW_MAX_LIMIT_NAME + 16];
    char by[200];       /* who holds or paused it, or "" */
    char since[200];    /* of a pause, as it stands in the row, or "" */
    int64_t held, size; /* of a limit, parallelism or max_parallel, or attempts and
                         * places of executors; else MODEL_NULL */
    struct why_executors executors; /* where what is "node_selector" */
    int64_t n_stuck; /* of those that parallelism lets run, who wait for executors */
};

/* Does it want a slot, as what is no attempt does not? */
bool why_takes_slot(const struct flow_task *task);

/* item: -1 is the task itself. */
void why_task(const struct why_rows *rows, uint32_t task, int64_t item,
              struct why_answer *out);
/* Where nothing of an open run runs, the answer is that of the first of its tasks that
 * waits for no other, whose index it has. */
void why_run(const struct why_rows *rows, struct why_answer *out);

struct why_causes {
    uint32_t *items; /* indexes of tasks, in the order of the file */
    size_t n, cap;
};
/* Where it begins: the tasks that a task (or, with -1, the run) waits for in the end,
 * or that failed before it. ARRAY_DONE it. */
void why_find_causes(const struct why_rows *rows, int64_t task,
                     struct why_causes *causes);

/* One sentence without a full stop. Text of rows is in it as it is. */
void why_add_sentence(const struct why_rows *rows, const struct why_answer *answer,
                      struct buf *out);

#endif
