/* dag_retry.c - retry.if: the part of the decision on another attempt that the file
 * makes by an expression. The rest of it is in dag_result.c. */
#include "engine/dag_priv.h"

/* The words of retry.on. */
static const char *const reasons[] = {
    [OUTCOME_FAILED] = "failed",   [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_LOST] = "lost",       [OUTCOME_OOM] = "oom",
    [OUTCOME_EVICTED] = "evicted", [OUTCOME_HEARTBEAT] = "heartbeat",
};

static json_t *names_of(enum outcome outcome, const struct result *result)
{
    json_t *names = json_object();

    json_object_set_new(names, "exit_code",
                        result->exit_code == MODEL_NULL
                            ? json_null()
                            : json_integer(result->exit_code));
    json_object_set_new(names, "reason", json_string(reasons[outcome]));
    return names;
}

bool dag_retry_if(struct run *r, const struct step *s, int64_t node,
                  enum outcome outcome, const struct result *result, struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    struct ff_err why = {.code = FF_OK};
    struct dag_scope sc;
    bool again = false;

    if (!t->policy->retry.condition)
        return true;
    dag_scope_init(&sc, r, t, NODE_ITEM(node), dag_unit(dag_of(r), node)->attempt,
                   s->now_us);
    sc.more = names_of(outcome, result);
    if (dag_truth(&sc, t->policy->retry.condition, &again, &why) != FF_OK)
        ff_fail(err, FF_INVALID, 0, "retry.if: %.190s", why.msg);
    json_decref(sc.more);
    dag_scope_done(&sc);
    return again;
}
