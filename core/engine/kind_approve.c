/* kind_approve.c - a person decides. Whether that person may is not asked here: whoever
 * may write into the store of a machine is its user. */
#include "engine/dag_kind.h"

#include <stdlib.h>
#include <string.h>

static const struct flow_approve *approve_of(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].work->approve;
}

/* Freed by the caller with free(); NULL: the task has failed. */
static char *message_of(struct run *r, struct step *s, int64_t node)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err err = {0};
    struct dag_scope sc;
    int failed = EXPR_OK;

    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    json_t *value = dag_eval(&sc, &t->work->approve->message, &err);
    dag_scope_done(&sc);
    if (!value) {
        dag_fail_expression(r, s, node, &err);
        return NULL;
    }
    char *text = expr_to_text(value, &failed);
    json_decref(value);
    if (!text) /* too deep it is not: dag_eval sees to that */
        mem_exhausted();
    return text;
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    const int64_t timeout = approve_of(r, node)->timeout_us;
    char *message = message_of(r, s, node);

    if (!message)
        return;
    const struct dag_wait wait = {.reason = "approval",
                                  .message = message,
                                  .due_at =
                                      timeout > 0 ? s->now_us + timeout : MODEL_NULL};
    dag_suspend(r, s, node, &wait);
    free(message);
}

static void due(struct run *r, struct step *s, int64_t node)
{
    if (approve_of(r, node)->on_timeout == FLOW_TIMEOUT_SKIP)
        dag_end_unit(r, s, node, TASK_SKIPPED, "approval_timeout", NULL);
    else
        dag_end_unit(r, s, node, TASK_FAILED, "rejected",
                     "nobody has decided within its timeout");
}

static const char *text_of(const struct signal *signal, const char *key)
{
    return json_string_value(json_object_get(signal->body, key));
}

static const char *by_of(const struct signal *signal)
{
    const char *by = text_of(signal, "by");

    return by ? by : "somebody";
}

static const char *reject(struct run *r, struct step *s, int64_t node,
                          const struct signal *signal)
{
    const char *comment = text_of(signal, "comment");
    struct buf message = {0};

    buf_printf(&message, "by %s%s%s", by_of(signal), comment ? ": " : "",
               comment ? comment : "");
    dag_end_unit(r, s, node, TASK_FAILED, "rejected", buf_text(&message));
    buf_done(&message);
    return NULL;
}

/* Looked at before, where they were given; but this is what everybody relies on. */
static const char *approve(struct run *r, struct step *s, int64_t node,
                           const struct signal *signal)
{
    const char *comment = text_of(signal, "comment");
    struct flow_problems problems = {0};
    char at[UNITS_TEXT];
    json_t *outputs = flow_approve_inputs(
        approve_of(r, node), json_object_get(signal->body, "inputs"), false, &problems);

    flow_problems_done(&problems);
    if (!outputs)
        return "bad_inputs";
    units_time_text(s->now_us, at);
    json_object_set_new(outputs, "approved_by", json_string(by_of(signal)));
    json_object_set_new(outputs, "at", json_string(at));
    json_object_set_new(outputs, "comment",
                        comment ? json_string(comment) : json_null());
    const struct dag_end end = {.state = TASK_SUCCEEDED, .outputs = outputs};
    dag_finish(r, s, node, &end);
    json_decref(outputs);
    return NULL;
}

static const char *on_signal(struct run *r, struct step *s, int64_t node,
                             const struct signal *signal)
{
    return strcmp(signal->word, "approve") == 0 ? approve(r, s, node, signal)
                                                : reject(r, s, node, signal);
}

const struct dag_kind dag_kind_approve = {
    .enter = enter, .due = due, .signal = on_signal};
