/* steer.c - what runs are told: to end, to wait, to begin again, what has happened, and
 * what people have decided. A row for whoever leads the run, who is woken. */
#include "rest/given.h"

#include <string.h>

static int note(struct rest_call *c, const char *action, const struct run_row *run,
                struct ff_err *err)
{
    char object[64];

    snprintf(object, sizeof(object), "run/%.*s", (int)run->id.len, run->id.s);
    return rest_audit(c, action, object, err);
}

/* A run that still goes on. */
static int find_open(struct rest_call *c, struct run_row *run, struct ff_err *err)
{
    if (rest_find_run(c, run, err) != FF_OK)
        return err->code;
    if (run_state_final(run->state))
        return rest_fail(c, PROBLEM_CONFLICT, err, "the run has %s already",
                         run_state_names[run->state]);
    return FF_OK;
}

static void answer(struct rest_call *c, const struct run_row *run)
{
    struct jsonw w = {.out = &c->out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "id");
    jsonw_text_len(&w, run->id.s, run->id.len);
    jsonw_close(&w, '}');
}

/* --- to end --- */

static int cancel(struct rest_call *c, enum cancel_mode mode, const char *action,
                  struct ff_err *err)
{
    struct run_row run;
    int code = find_open(c, &run, err);

    if (code == FF_OK)
        code = node_plan_cancel(&c->plan, c->who.tenant, &run, mode, err);
    if (code == FF_OK)
        code = note(c, action, &run, err);
    if (code == FF_OK)
        answer(c, &run);
    return code;
}

int rest_run_cancel(struct rest_call *c, struct ff_err *err)
{
    return cancel(c, CANCEL_GRACEFUL, "run.cancel", err);
}

int rest_run_terminate(struct rest_call *c, struct ff_err *err)
{
    return cancel(c, CANCEL_KILL, "run.terminate", err);
}

/* --- to wait --- */

static int check_task(struct rest_call *c, const struct run_row *run, const char *task,
                      struct ff_err *err)
{
    struct flow *flow = task ? rest_flow_of(c, run, err) : NULL;
    int code = FF_OK;

    if (task && !flow)
        return err->code;
    if (task && flow_task_index(flow, task) < 0)
        code =
            ff_fail(err, FF_NOT_FOUND, 0, "there is no task %.100s in this run", task);
    flows_put(c->rest, flow);
    return code;
}

static int pause(struct rest_call *c, const char *word, const char *action,
                 struct ff_err *err)
{
    const char *task = rest_text(c, "task");
    struct run_row run;
    int code = find_open(c, &run, err);

    if (code == FF_OK && run.state == RUN_CANCELLING)
        code = rest_fail(c, PROBLEM_CONFLICT, err,
                         "the run is being cancelled, which ends every pause");
    if (code == FF_OK)
        code = check_task(c, &run, task, err);
    if (code != FF_OK)
        return code;

    json_t *body = json_pack("{ss}", "by", c->who.subject);

    if (task)
        json_object_set_new(body, "task", json_string(task));
    code = node_plan_message(&c->plan, c->who.tenant, &run, word, body, err);
    json_decref(body);
    answer(c, &run);
    return code == FF_OK ? note(c, action, &run, err) : code;
}

int rest_run_pause(struct rest_call *c, struct ff_err *err)
{
    return pause(c, "pause", "run.pause", err);
}

int rest_run_unpause(struct rest_call *c, struct ff_err *err)
{
    return pause(c, "unpause", "run.unpause", err);
}

/* --- to begin again --- */

int rest_run_retry(struct rest_call *c, struct ff_err *err)
{
    const char *task = rest_text(c, "task");
    const bool all = rest_bool(c, "all");
    const struct node_reset what = {.how = task  ? NODE_RESET_TASK
                                           : all ? NODE_RESET_ALL
                                                 : NODE_RESET_FAILED,
                                    .task = task,
                                    .no_cache = rest_bool(c, "no_cache")};
    struct run_row run;
    int code = rest_find_run(c, &run, err);

    if (code == FF_OK)
        code = node_plan_reset(&c->plan, c->who.tenant, &run, &what, err);
    if (code == FF_INVALID && c->problem == PROBLEM_BY_CODE) /* of the run */
        c->problem = PROBLEM_CONFLICT;
    if (code != FF_OK)
        return code;
    answer(c, &run);
    return note(c, "run.retry", &run, err);
}

/* --- what has happened --- */

static void read_event(const struct rest_call *c, struct node_event *e)
{
    *e = (struct node_event){.name = rest_text(c, "name"),
                             .key = rest_text(c, "key"),
                             .data = rest_value(c, "data")};
}

int rest_run_signal(struct rest_call *c, struct ff_err *err)
{
    struct node_event e;
    struct run_row run;
    int code = find_open(c, &run, err);

    read_event(c, &e);
    if (code == FF_OK)
        code = node_plan_signal(&c->plan, c->who.tenant, &run, &e, err);
    if (code != FF_OK)
        return code;
    answer(c, &run);
    return note(c, "run.signal", &run, err);
}

int rest_event(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    struct node_event_told told;
    struct node_event e;
    char object[160];

    read_event(c, &e);
    if (node_plan_event(&c->plan, c->who.tenant, &e, &told, err) != FF_OK)
        return err->code;

    const struct {
        const char *name;
        int64_t n;
    } counts[] = {
        {"schedules", told.schedules}, {"runs", told.runs}, {"tasks", told.tasks}};

    jsonw_open(&w, '{');
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        jsonw_key(&w, counts[i].name);
        jsonw_int(&w, counts[i].n);
    }
    jsonw_close(&w, '}');
    snprintf(object, sizeof(object), "event/%.140s", e.name);
    return rest_audit(c, "event.send", object, err);
}

/* --- what people have decided --- */

struct decision {
    struct run_row run;
    struct flow *flow;
    struct task_row row;
    const struct flow_task *task;
};

static int find_waiting(struct rest_call *c, struct decision *d, struct ff_err *err)
{
    int code = find_open(c, &d->run, err);

    if (code == FF_OK)
        d->flow = rest_flow_of(c, &d->run, err);
    if (!d->flow)
        return err->code;
    if (rest_find_task(c, &d->run, d->flow, &d->row, err) != FF_OK ||
        rest_match(c, &record_task, &d->row, d->row.version, err) != FF_OK)
        return err->code;

    MEM_AUTO char *name = mem_text_len(d->row.task.s, d->row.task.len);

    d->task = &d->flow->tasks[flow_task_index(d->flow, name)];
    if (d->task->work->kind != FLOW_APPROVE)
        return rest_fail(c, PROBLEM_CONFLICT, err, "the task asks nobody for approval");
    if (d->row.state != TASK_SUSPENDED)
        return rest_fail(c, PROBLEM_CONFLICT, err,
                         "the task waits for no approval: it is %s",
                         task_state_names[d->row.state]);
    return FF_OK;
}

/* What an approval is given with, complete. */
static int add_inputs(struct rest_call *c, const struct decision *d, json_t *body,
                      struct ff_err *err)
{
    struct flow_problems problems = {0};
    json_t *none = json_object();
    json_t *given = rest_value(c, "inputs");
    json_t *made = flow_approve_inputs(d->task->work->approve, given ? given : none,
                                       false, &problems);
    int code = FF_OK;

    if (made)
        json_object_set_new(body, "inputs", made);
    else
        code = given_fail(c, &problems, err);
    flow_problems_done(&problems);
    json_decref(none);
    return code;
}

static int leave(struct rest_call *c, const struct decision *d, bool approves,
                 struct ff_err *err)
{
    json_t *body = json_pack("{ss ss}", "task", d->task->name, "by", c->who.subject);
    const char *comment = rest_text(c, "comment");
    int code = FF_OK;

    if (d->row.item != MODEL_NULL)
        json_object_set_new(body, "item", json_integer(d->row.item));
    if (comment)
        json_object_set_new(body, "comment", json_string(comment));
    if (approves)
        code = add_inputs(c, d, body, err);
    if (code == FF_OK)
        code = node_plan_message(&c->plan, c->who.tenant, &d->run,
                                 approves ? "approve" : "reject", body, err);
    json_decref(body);
    return code;
}

static int decide(struct rest_call *c, bool approves, struct ff_err *err)
{
    struct decision d = {0};
    int code = find_waiting(c, &d, err);

    if (code == FF_OK)
        code = leave(c, &d, approves, err);
    if (code == FF_OK) {
        answer(c, &d.run);
        code = note(c, approves ? "run.approve" : "run.reject", &d.run, err);
    }
    flows_put(c->rest, d.flow);
    return code;
}

int rest_task_approve(struct rest_call *c, struct ff_err *err)
{
    return decide(c, true, err);
}

int rest_task_reject(struct rest_call *c, struct ff_err *err)
{
    return decide(c, false, err);
}
