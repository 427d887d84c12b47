/* reset.c - tasks that are to begin again. Of a run that is over its row says so and it
 * is opened again; one that is still led is told by a row of the inbox. Whoever owns
 * the shard carries either out. */
#include "flow/flow.h"
#include "node/node_priv.h"

#include <string.h>

static const char *const words[] = {[NODE_RESET_FAILED] = "failed",
                                    [NODE_RESET_TASK] = "task",
                                    [NODE_RESET_ALL] = "all"};

/* The text that the run is pinned to; NULL with a code. */
static struct flow *flow_of_run(const struct node_plan *p, struct tenant t,
                                const struct run_row *run, struct ff_err *err)
{
    struct flow_problems problems = {0};
    struct workflow_row workflow;
    struct arena arena = {0};
    struct flow *flow = NULL;
    const int code =
        store_workflow(p->node->store, p->reader, t, run->hash, &arena, &workflow, err);

    if (code == FF_OK)
        flow = flow_parse(workflow.source.s, workflow.source.len, &problems);
    if (code == FF_OK && !flow)
        ff_fail(err, FF_INVALID, 0, "this version cannot read its workflow: %s",
                problems.items[0].msg);
    flow_problems_done(&problems);
    arena_done(&arena);
    return flow;
}

static int check_task(const struct flow *flow, const struct node_reset *what,
                      struct ff_err *err)
{
    if (what->how == NODE_RESET_TASK &&
        (flow_task_index(flow, what->task) < 0 ||
         flow_task_index(flow, what->task) >= flow->n_main))
        return ff_fail(err, FF_NOT_FOUND, 0, "workflow %s has no task %.64s",
                       flow->name, what->task);
    return FF_OK;
}

static int check(const struct node_plan *p, struct tenant t, const struct run_row *run,
                 const struct node_reset *what, struct ff_err *err)
{
    if (run->parent_run != MODEL_NULL)
        return ff_fail(err, FF_INVALID, 0,
                       "run %.*s is a task of another run, and begins again with it",
                       (int)run->id.len, run->id.s);
    if (node_is_claimed(run))
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "run %.*s is being deleted, as finished runs are that nobody "
                       "keeps: start its workflow anew",
                       (int)run->id.len, run->id.s);
    if (what->how == NODE_RESET_FAILED && run->state == RUN_SUCCEEDED)
        return ff_fail(err, FF_INVALID, 0,
                       "run %.*s has succeeded: nothing is to be tried again",
                       (int)run->id.len, run->id.s);
    if (what->how != NODE_RESET_TASK)
        return FF_OK;
    struct flow *flow = flow_of_run(p, t, run, err);
    const int code = flow ? check_task(flow, what, err) : err->code;
    flow_unref(flow);
    return code;
}

static json_t *asked(const struct node_reset *what)
{
    return json_pack("{ss ss*}", "what", words[what->how], "task",
                     what->how == NODE_RESET_TASK ? what->task : NULL);
}

struct leftovers {
    struct batch *batch;
    int64_t run;
};

static int delete_leftover(void *arg, const void *row)
{
    const struct inbox_row *message = row;
    struct leftovers *l = arg;

    if (message->run == l->run)
        batch_delete(l->batch, &record_inbox, message, FF_ANY_VERSION);
    return 0;
}

/* A cancel that nobody has looked at since the run was over was for what the run was
 * then, not for what is opened now. None comes later: see message.c. */
static int delete_leftovers(const struct node_plan *p, const struct run_row *run,
                            struct ff_err *err)
{
    const struct inbox_row like = {.shard = NODE_SHARD};
    const struct store_query inbox = {
        .record = &record_inbox, .like = &like, .n_equal = 1};
    struct leftovers l = {.batch = p->batch, .run = run->run};

    return store_scan(p->node->store, p->reader, &inbox, delete_leftover, &l, err);
}

/* The race may have been about something else of the same commit. */
static int check_same(const struct node_plan *p, const struct run_row *run,
                      struct ff_err *err)
{
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct arena arena = {0};
    struct run_row now;
    const int code = store_run_by_id(
        p->node->store, p->reader, (struct tenant){run->tenant}, id, &arena, &now, err);
    const bool same = code == FF_OK && now.version == run->version;

    arena_done(&arena);
    if (same || (code != FF_OK && code != FF_NOT_FOUND))
        return code;
    return ff_fail(err, FF_CONFLICT, 0,
                   "somebody else has opened or deleted run %s just now", id);
}

static int reopen(const struct node_plan *p, const struct run_row *run,
                  const struct node_reset *what, struct ff_err *err)
{
    struct run_row row = *run;
    int64_t seq, number;
    int code = p->tries > 0 ? check_same(p, run, err) : FF_OK;

    if (code == FF_OK)
        code = node_check_open_runs(p, (struct tenant){run->tenant}, err);
    if (code == FF_OK) /* other processes see by these numbers how many were opened */
        code = store_number(p->node->store, &p->node->run_numbers, 1, &number, err);
    if (code == FF_OK)
        code = node_reset_seq(p->node, p->reader, run, &seq, err);
    if (code == FF_OK)
        code = delete_leftovers(p, run, err);
    if (code != FF_OK)
        return code;
    json_t *j = asked(what);
    MEM_AUTO char *text = json_text(j);
    json_decref(j);
    const struct run_reopen how = {.reset = text,
                                   .shard = NODE_SHARD,
                                   .last_seq = seq,
                                   .now_us = loop_wall_us(p->node->loop),
                                   .no_cache = what->no_cache};
    engine_run_reopen(&row, &how, p->batch);
    FAILPOINT("node.reset.before");
    return FF_OK;
}

/* --- of a run that is open --- */

struct seen_tasks {
    const struct flow *flow;
    bool handlers, failed;
};

static int look_at_task(void *arg, const void *row)
{
    struct seen_tasks *seen = arg;
    const struct task_row *t = row;

    if (NODE_ITEM(t->node) >= 0 || NODE_TASK(t->node) >= seen->flow->n_tasks)
        return 0;
    const struct flow_task *task = &seen->flow->tasks[NODE_TASK(t->node)];
    if (NODE_TASK(t->node) >= seen->flow->n_main)
        seen->handlers = seen->handlers || t->state != TASK_WAITING;
    else if (t->state == TASK_CANCELLED ||
             (t->state == TASK_FAILED && !task->work->continue_on_error))
        seen->failed = true;
    return 0;
}

/* What can be seen now; whoever leads the run has the last word. */
static int check_open(const struct node_plan *p, struct tenant t,
                      const struct run_row *run, const struct node_reset *what,
                      struct ff_err *err)
{
    const struct task_row like = {.tenant = t.no, .run = run->run};
    const struct store_query tasks = {
        .record = &record_task, .like = &like, .n_equal = 2};
    struct seen_tasks seen = {0};

    if (run->state != RUN_RUNNING)
        return ff_fail(err, FF_CONFLICT, 0, "run %.*s is %s: %s", (int)run->id.len,
                       run->id.s, run_state_names[run->state],
                       run->state == RUN_PENDING ? "nothing of it has begun"
                                                 : "wait for its end");
    struct flow *flow = flow_of_run(p, t, run, err);
    seen.flow = flow;
    if (!flow || store_scan(p->node->store, p->reader, &tasks, look_at_task, &seen,
                            err) != FF_OK) {
        flow_unref(flow);
        return err->code;
    }
    flow_unref(flow);
    if (seen.handlers)
        return ff_fail(err, FF_CONFLICT, 0,
                       "the handlers of run %.*s run already: wait for its end",
                       (int)run->id.len, run->id.s);
    if (what->how == NODE_RESET_FAILED && !seen.failed)
        return ff_fail(err, FF_CONFLICT, 0,
                       "run %.*s is running, and no task of it has failed",
                       (int)run->id.len, run->id.s);
    return FF_OK;
}

static int leave(const struct node_plan *p, struct tenant t, const struct run_row *run,
                 const struct node_reset *what, struct ff_err *err)
{
    int code = check_open(p, t, run, what, err);

    if (code != FF_OK)
        return code;
    json_t *j = asked(what);
    if (what->no_cache)
        json_object_set_new(j, "no_cache", json_true());
    code = node_plan_message(p, t, run, "reset", j, err);
    json_decref(j);
    return code;
}

int node_plan_reset(const struct node_plan *p, struct tenant t,
                    const struct run_row *run, const struct node_reset *what,
                    struct ff_err *err)
{
    const int code = check(p, t, run, what, err);

    if (code != FF_OK)
        return code;
    if (p->doubted)
        return node_fail_doubt(err);
    return run_state_final(run->state) ? reopen(p, run, what, err)
                                       : leave(p, t, run, what, err);
}

struct resetting {
    struct tenant tenant;
    const struct run_row *run;
    const struct node_reset *what;
};

static int plan_reset(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct resetting *r = arg;

    return node_plan_reset(p, r->tenant, r->run, r->what, err);
}

int node_reset(struct node *n, struct tenant t, const struct run_row *run,
               const struct node_reset *what, struct ff_err *err)
{
    struct resetting r = {.tenant = t, .run = run, .what = what};

    return node_change_now(n, plan_reset, &r, err);
}

/* --- what became of it --- */

static void look_at_event(struct node_answer *a, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *request = json_string_value(json_object_get(event, "request"));
    const char *reason = json_string_value(json_object_get(event, "reason"));

    if (type && strcmp(type, "run.reset") == 0)
        a->what = NODE_ANSWER_TAKEN;
    if (type && strcmp(type, "request.refused") == 0 && request &&
        strcmp(request, "reset") == 0 && a->what == NODE_ANSWER_NONE) {
        a->what = NODE_ANSWER_REFUSED;
        snprintf(a->reason, sizeof(a->reason), "%s", reason ? reason : "");
    }
}

static int look_at_events(void *arg, const void *row)
{
    const struct event_row *e = row;
    struct ff_err err;
    json_t *list = json_parse(e->body.s, e->body.len, &err);

    for (size_t i = 0; i < json_array_size(list); i++)
        look_at_event(arg, json_array_get(list, i));
    json_decref(list);
    return 0;
}

int node_reset_seq(struct node *n, struct store_reader *r, const struct run_row *run,
                   int64_t *seq, struct ff_err *err)
{
    return store_last_seq(n->store, r, (struct tenant){run->tenant}, run->run, seq,
                          err);
}

int node_reset_answer(struct node *n, struct store_reader *r, const struct run_row *run,
                      int64_t seq, struct node_answer *answer, struct ff_err *err)
{
    const struct event_row seen = {.tenant = run->tenant, .run = run->run, .seq = seq};
    const struct store_query since = {
        .record = &record_event, .like = &seen, .n_equal = 2, .after = &seen};

    *answer = (struct node_answer){.what = NODE_ANSWER_NONE};
    return store_scan(n->store, r, &since, look_at_events, answer, err);
}
