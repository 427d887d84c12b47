/* kind_child.c - a unit that is a run of its own: begun in the step in which the unit
 * begins, so that one is never there without the other. How the run ends comes as an
 * INPUT_RESULT; after a restart it is asked for again. */
#include "engine/dag_kind.h"

#include <stdio.h>

void dag_child_begin(struct run *r, struct step *s, int64_t node,
                     const struct run_row *row, json_t *inputs, json_t *scope)
{
    MEM_AUTO char *given = json_text(inputs);
    MEM_AUTO char *seen = scope ? json_text(scope) : NULL;
    struct run_row child = *row;

    if (r->row.depth >= ENGINE_MAX_DEPTH) {
        char message[96];
        snprintf(message, sizeof(message),
                 "runs are inside each other more than %d deep", ENGINE_MAX_DEPTH);
        dag_end_unit(r, s, node, TASK_FAILED, "depth", message);
        return;
    }
    child.inputs = span_of(given);
    child.scope = span_of(seen);
    step_child(r, s, node, dag_unit(dag_of(r), node)->attempt, &child);
    dag_goes_on(r, s, node);
}

void dag_child_resume(struct run *r, struct step *s, int64_t node)
{
    const struct effect look = {.type = EFFECT_CHILD,
                                .node = node,
                                .attempt = dag_unit(dag_of(r), node)->attempt,
                                .pause = dag_is_paused(r, node) ? PAUSE_ON : PAUSE_OFF};

    step_effect(s, look);
}

void dag_child_stop(struct run *r, struct step *s, int64_t node, enum cancel_mode mode)
{
    const struct effect stop = {.type = EFFECT_CHILD,
                                .node = node,
                                .attempt = dag_unit(dag_of(r), node)->attempt,
                                .cancel = mode};

    step_effect(s, stop);
}
