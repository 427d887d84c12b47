/* simulate/simulate_priv.h - the inside of the room: mocks.c knows what is said of an
 * attempt, script.c is the runtime driver that does it, result.c tells what came of it,
 * expect.c compares. */
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

/* "city.0/" of the run that is item 0 of the group `city`, "" of the outermost one. */
void result_prefix(struct node *n, const char *run_id, struct buf *out);

/* The runtime whose attempts go as these mocks say. Of sessions opened from now on: one
 * simulation at a time. */
struct driver *script_driver(const struct mocks *m, struct ff_err *err);
/* Nobody waits for a sign of life of it: it is one that goes on giving them. */
bool script_is_mute(const char *attempt_id);
void script_node(struct node *n); /* where it finds which run is part of which */

/* Rows of the run as the result. */
json_t *result_read(struct node *n, const struct simulate_setup *setup, int64_t run,
                    struct ff_err *err);

#endif
