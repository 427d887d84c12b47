/* simulate/simulate.h - a workflow rehearsed: the real engine, control, scheduler and
 * executor in virtual time in this process, on a store and a queue in memory; what
 * tasks do is said by mocks (docs/testing-workflows.md). The same workflow, inputs,
 * mocks and seed give the same result, byte for byte. */
#ifndef SIMULATE_SIMULATE_H
#define SIMULATE_SIMULATE_H

#include "node/node.h"

struct simulate_setup {
    const struct flow *flow;
    const char *source; /* of that flow */
    size_t source_len;
    json_t *inputs; /* checked, with defaults */
    json_t *mocks;  /* checked by simulate_check_mocks, or NULL */
    const char *dir;
    const char *beside; /* where workflows are that it uses as files, or NULL */
    uint64_t seed;
    int64_t start_us;      /* wall time at which it begins */
    int64_t until_us;      /* how long it may take, in virtual time */
    struct config *config; /* with a data directory of its own */
};

/* {tasks: {PATH: {...}}, signals: [{at, name, key, data}], events: the same, cancel:
 * {at, mode}}. FF_INVALID says what is wrong and where.
 * Names are those of flow's tasks. */
int simulate_check_mocks(const json_t *mocks, const struct flow *flow,
                         struct ff_err *err);

/* What came of it, a new reference:
 *   state, reason, message, outputs, duration (seconds), over
 *   tasks    {NAME or NAME.ITEM: {state, attempts, reason, message, exit_code, outputs,
 *            started, ended}}, in the order of the file
 *   order    paths in the order in which their first attempts began
 *   timeline [{at, type, task, item, attempt, ...}] with times from the beginning
 *   waits_for [{task, for, message, hint}] of those that wait for people or events, if
 *            any do when it is left
 * NULL with err when it could not be done at all. */
json_t *simulate(const struct simulate_setup *setup, struct ff_err *err);

/* What is not as `expect` says, one sentence a line; "" when all is. FF_INVALID: the
 * expectation itself makes no sense. */
int simulate_expect(const json_t *expect, const json_t *result, struct buf *out,
                    struct ff_err *err);

#endif
