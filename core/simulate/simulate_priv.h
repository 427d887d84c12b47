/* simulate/simulate_priv.h - the inside of the room: mocks.c knows what is said of an
 * attempt, script.c is the runtime driver that does it, answers.c tells the run what
 * people and programs outside would (answer_check.c checks that), result.c says what
 * came of it, expect.c compares. */
#ifndef SIMULATE_SIMULATE_PRIV_H
#define SIMULATE_SIMULATE_PRIV_H

#include "simulate/simulate.h"

enum mock_outcome {
    MOCK_EXIT,
    MOCK_LOST,
    MOCK_OOM,
    MOCK_EVICTED,
    MOCK_REFUSED,
    MOCK_SILENT, /* until it is told to end; nothing is heard of it */
    MOCK_HANGS   /* the same, and it does not listen */
};

/* How one attempt goes. */
struct mock {
    enum mock_outcome outcome;
    int exit_code;
    int64_t duration_us;
    const char *out, *err;        /* what it writes, or NULL; borrowed */
    json_t *outputs;              /* by name: given ones over plausible ones; owned */
    const struct flow_task *task; /* or NULL: not of this file */
    const struct flow *flow;      /* the file or the group that the task stands in */
};

struct mocks {
    const struct flow *flow;
    const json_t *tasks; /* by path, or NULL */
    uint64_t seed;
};

/* path: "fetch.3"; of a task in a group "city.0/fetch.3". */
void mock_of(const struct mocks *m, const char *path, int64_t attempt,
             struct mock *mock);
void mock_done(struct mock *mock);
/* What `name` in $FF_OUT holds, or false. */
bool mock_file(const struct mock *mock, const char *name, struct buf *out);

/* All that is said of an attempt, or of a wait: a new reference. */
json_t *mock_entry(const struct mocks *m, const char *path, int64_t attempt);
bool mock_duration(const json_t *v, int64_t *us); /* 10s, or seconds */
/* The same, or {min, max}: NULL, or what it must be. */
const char *mock_check_duration(const json_t *v);
int64_t mock_draw(const struct mocks *m, const json_t *v, const char *path,
                  int64_t attempt);

/* Is it a key of mocks that answers tasks which wait: approve, reject, event? */
bool answer_is(const char *key);
/* May this be said of the task? NULL: of which task is not known. */
int answer_check_key(const char *path, const struct flow_task *task, const char *key,
                     const json_t *value, struct ff_err *err);
int answer_check(const char *path, const struct flow_task *task, const json_t *mock,
                 struct ff_err *err);
/* what: signals, events. */
int answer_check_told(const char *what, const json_t *list, struct ff_err *err);

/* What tells the outermost `run` and those in it what the mocks say. It uses the node's
 * loop until it is freed. */
struct answers *answers_new(struct node *n, struct loop *l, const struct mocks *m,
                            const json_t *mocks, int64_t run);
void answers_free(struct answers *as);
/* Something of this run has become durable. */
void answers_look(struct answers *as, const struct run_row *run);
/* {task, for, message, hint} of a task that waits for people or events, a new
 * reference; NULL: it does not. */
json_t *answers_missing(const struct mocks *m, const struct task_row *t,
                        const char *path);

/* "city.0/" of the run that is item 0 of the group `city`, "" of the outermost one. */
void result_prefix(struct node *n, const char *run_id, struct buf *out);

/* The runtime whose attempts go as these mocks say. Of sessions opened from now on: one
 * simulation at a time. */
struct driver *script_driver(const struct mocks *m, struct ff_err *err);
/* Nobody waits for a sign of life of it: it is one that goes on giving them. */
bool script_is_mute(const char *attempt_id);
void script_node(struct node *n); /* where it finds which run is part of which */

/* Rows of the run as the result. */
json_t *result_read(struct node *n, const struct simulate_setup *setup,
                    const struct mocks *m, int64_t run, struct ff_err *err);

#endif
