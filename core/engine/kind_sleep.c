/* kind_sleep.c - tasks that wait for time: so long, or until then. What an expression
 * gave is stored as the time when it is over, and never worked out again. */
#include "engine/dag_kind.h"

/* The value of the task's key, or NULL: the task has failed. */
static json_t *value_of(struct run *r, struct step *s, int64_t node)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err err = {0};
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    json_t *value = dag_eval(&sc, t->work->wait, &err);
    dag_scope_done(&sc);
    if (!value)
        dag_fail_expression(r, s, node, &err);
    return value;
}

static void succeed(struct run *r, struct step *s, int64_t node)
{
    dag_end_unit(r, s, node, TASK_SUCCEEDED, NULL, NULL);
}

/* One that is over already does not suspend. */
static void wait_for(struct run *r, struct step *s, int64_t node, int64_t due_at)
{
    const struct dag_wait wait = {.reason = "sleep", .due_at = due_at};

    if (due_at <= s->now_us)
        succeed(r, s, node);
    else
        dag_suspend(r, s, node, &wait);
}

static void enter_sleep(struct run *r, struct step *s, int64_t node)
{
    struct ff_err err = {0};
    int64_t us;
    json_t *value = value_of(r, s, node);

    if (!value)
        return;
    if (flow_wait_us(value, &us, &err) == FF_OK)
        wait_for(r, s, node, s->now_us + us);
    else
        dag_fail_expression(r, s, node, &err);
    json_decref(value);
}

static void enter_until(struct run *r, struct step *s, int64_t node)
{
    struct ff_err err = {0};
    int64_t at;
    json_t *value = value_of(r, s, node);

    if (!value)
        return;
    if (flow_until_us(value, s->now_us, &at, &err) == FF_OK)
        wait_for(r, s, node, at);
    else
        dag_fail_expression(r, s, node, &err);
    json_decref(value);
}

const struct dag_kind dag_kind_sleep = {.enter = enter_sleep, .due = succeed};
const struct dag_kind dag_kind_wait_until = {.enter = enter_until, .due = succeed};
