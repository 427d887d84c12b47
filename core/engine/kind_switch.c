/* kind_switch.c - takes the first case that is true; begins and ends in one step. Those
 * behind it ask for the case in their needs. */
#include "engine/dag_kind.h"

/* FF_OK with *taken, NULL for none; or a code with a sentence. */
static int choose(struct dag_scope *sc, const struct flow_switch *of,
                  const struct flow_case **taken, struct ff_err *err)
{
    *taken = NULL;
    for (uint32_t i = 0; i < of->n && !*taken; i++) {
        struct ff_err why = {.code = FF_OK};
        bool holds = true;

        if (of->cases[i].when &&
            dag_truth(sc, of->cases[i].when, &holds, &why) != FF_OK)
            return ff_fail(err, FF_INVALID, 0, "case %s: %.180s", of->cases[i].name,
                           why.msg);
        if (holds)
            *taken = &of->cases[i];
    }
    return FF_OK;
}

static void enter(struct run *r, struct step *s, int64_t node)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    const struct flow_case *taken;
    struct dag_scope sc;
    struct ff_err err;

    dag_scope_init(&sc, r, t, -1, 0, dag_of(r)->tasks[NODE_TASK(node)].ready_at);
    const int code = choose(&sc, t->work->choice, &taken, &err);
    dag_scope_done(&sc);
    if (code != FF_OK) {
        dag_end_unit(r, s, node, TASK_FAILED, "expression", err.msg);
        return;
    }
    const struct dag_end end = {
        .state = TASK_SUCCEEDED,
        .outputs = json_pack("{ss?}", "case", taken ? taken->name : NULL),
    };
    dag_finish(r, s, node, &end);
    json_decref(end.outputs);
}

static void stop(struct run *r, struct step *s, int64_t node, enum cancel_mode mode)
{
    (void)mode;
    dag_end_unit(r, s, node, TASK_CANCELLED, "cancelled", NULL);
}

/* It is never stored before it is over; should it be, it is entered or stopped. */
const struct dag_kind dag_kind_switch = {.enter = enter, .resume = enter, .stop = stop};
