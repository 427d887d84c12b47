/* reset.c - opens a run again that is over: its row says what is to begin again, and
 * whoever owns the shard carries that out. */
#include "flow/flow.h"
#include "node/node_priv.h"

#include <string.h>

/* Is there such a task in the text that the run is pinned to? */
static int check_task(struct node *n, struct tenant t, const struct run_row *run,
                      const char *task, struct ff_err *err)
{
    struct flow_problems problems = {0};
    struct workflow_row workflow;
    struct arena arena = {0};
    struct flow *flow = NULL;
    int code = store_workflow(n->store, STORE_READER_CALLER, t, run->hash, &arena,
                              &workflow, err);

    if (code == FF_OK)
        flow = flow_parse(workflow.source.s, workflow.source.len, &problems);
    if (code == FF_OK && !flow)
        code = ff_fail(err, FF_INVALID, 0, "this version cannot read its workflow: %s",
                       problems.items[0].msg);
    if (flow && (flow_task_index(flow, task) < 0 ||
                 flow_task_index(flow, task) >= flow->n_main))
        code = ff_fail(err, FF_NOT_FOUND, 0, "workflow %s has no task %.64s",
                       flow->name, task);
    flow_problems_done(&problems);
    flow_unref(flow);
    arena_done(&arena);
    return code;
}

static int check(struct node *n, struct tenant t, const struct run_row *run,
                 const struct node_reset *what, struct ff_err *err)
{
    if (run->parent_run != MODEL_NULL)
        return ff_fail(err, FF_INVALID, 0,
                       "run %.*s is a task of another run, and begins again with it",
                       (int)run->id.len, run->id.s);
    if (!run_state_final(run->state))
        return ff_fail(err, FF_CONFLICT, 0,
                       "run %.*s is still %s; wait for its end, or cancel it first",
                       (int)run->id.len, run->id.s, run_state_names[run->state]);
    if (what->how == NODE_RESET_FAILED && run->state == RUN_SUCCEEDED)
        return ff_fail(err, FF_CONFLICT, 0,
                       "run %.*s has succeeded: nothing is to be tried again",
                       (int)run->id.len, run->id.s);
    if (what->how == NODE_RESET_TASK)
        return check_task(n, t, run, what->task, err);
    return FF_OK;
}

static int take_seq(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct event_row *)row)->seq;
    return 1;
}

static int last_seq(struct node *n, const struct run_row *run, int64_t *seq,
                    struct ff_err *err)
{
    const struct event_row like = {.tenant = run->tenant, .run = run->run};
    const struct store_query last = {.record = &record_event,
                                     .like = &like,
                                     .n_equal = 2,
                                     .descending = true,
                                     .limit = 1};

    return store_scan(n->store, STORE_READER_CALLER, &last, take_seq, seq, err);
}

int node_reset(struct node *n, struct tenant t, const struct run_row *run,
               const struct node_reset *what, struct ff_err *err)
{
    static const char *const words[] = {[NODE_RESET_FAILED] = "failed",
                                        [NODE_RESET_TASK] = "task",
                                        [NODE_RESET_ALL] = "all"};
    struct run_row row = *run;
    struct batch b = {0};
    size_t failed;
    int64_t seq = 0;
    int code = check(n, t, run, what, err);

    if (code == FF_OK)
        code = last_seq(n, run, &seq, err);
    if (code != FF_OK)
        return code;
    json_t *j = json_pack("{ss ss*}", "what", words[what->how], "task",
                          what->how == NODE_RESET_TASK ? what->task : NULL);
    MEM_AUTO char *text = json_text(j);
    json_decref(j);
    const struct run_reopen how = {.reset = text,
                                   .shard = NODE_SHARD,
                                   .last_seq = seq,
                                   .now_us = loop_wall_us(n->loop),
                                   .no_cache = what->no_cache};
    engine_run_reopen(&row, &how, &b);
    code = store_commit_now(n->store, &b, &failed, err);
    if (code == FF_CONFLICT)
        ff_fail(err, FF_CONFLICT, 0, "somebody else has opened run %.*s just now",
                (int)run->id.len, run->id.s);
    batch_done(&b);
    return code;
}
