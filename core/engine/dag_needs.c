/* dag_needs.c - do the needs of a task let it run? Asked once, when all of them have
 * ended: by names, or by a formula. */
#include "engine/dag_priv.h"

#include <string.h>

/* Whether a failure is one for the run and for those behind it. */
bool dag_failed(const struct dag *d, uint32_t task)
{
    return d->tasks[task].unit.state == TASK_FAILED &&
           !d->flow->tasks[task].work->continue_on_error;
}

/* Something went wrong in it or before it, and nothing in the file forgives that. */
static bool is_bad(const struct dag *d, uint32_t task)
{
    const struct unit *u = &d->tasks[task].unit;

    return dag_failed(d, task) || u->state == TASK_CANCELLED ||
           (u->flags & UNIT_BLOCKED);
}

/* Only one that succeeded has outputs. */
static bool took(const struct dag *d, const struct flow_term *term)
{
    const json_t *outputs = d->tasks[term->task].unit.outputs;
    const char *taken = json_string_value(json_object_get(outputs, "case"));

    return taken && strcmp(taken, term->word) == 0;
}

static bool asked(const struct dag *d, const struct flow_term *term)
{
    static const uint8_t states[] = {
        [FLOW_ASK_SUCCEEDED] = TASK_SUCCEEDED,
        [FLOW_ASK_FAILED] = TASK_FAILED,
        [FLOW_ASK_SKIPPED] = TASK_SKIPPED,
        [FLOW_ASK_CANCELLED] = TASK_CANCELLED,
    };

    if (term->ask == FLOW_ASK_DONE)
        return true;
    if (term->ask == FLOW_ASK_CASE)
        return took(d, term);
    if (term->ask == FLOW_ASK_OK)
        return !is_bad(d, term->task);
    return d->tasks[term->task].unit.state == states[term->ask];
}

static bool holds(const struct dag *d, const struct flow_formula *formula)
{
    bool stack[FLOW_FORMULA_STACK] = {false};
    uint32_t n = 0;

    for (uint32_t i = 0; i < formula->n; i++) {
        const struct flow_term *term = &formula->terms[i];

        if (term->op == FLOW_ASK) {
            stack[n++] = asked(d, term);
        } else if (term->op == FLOW_NOT) {
            stack[n - 1] = !stack[n - 1];
        } else {
            n--;
            stack[n - 1] = term->op == FLOW_AND ? stack[n - 1] && stack[n]
                                                : stack[n - 1] || stack[n];
        }
    }
    return stack[0];
}

/* One that is false because something went wrong is what a list of names would be:
 * those behind it are skipped for that reason, too. */
static const char *formula_reason(const struct dag *d, const struct flow_task *t)
{
    if (holds(d, t->work->formula))
        return NULL;
    for (uint32_t i = 0; i < t->n_needs; i++)
        if (is_bad(d, t->needs[i]))
            return DAG_UPSTREAM_FAILED;
    return "needs_false";
}

const char *dag_needs_reason(const struct dag *d, const struct flow_task *t)
{
    if (t->part != FLOW_MAIN)
        return NULL; /* handlers follow each other whatever happened */
    if (t->work->formula)
        return formula_reason(d, t);
    for (uint32_t i = 0; i < t->n_needs; i++) {
        if (is_bad(d, t->needs[i]) && !t->condition_judges_needs)
            return DAG_UPSTREAM_FAILED;
        if (t->work->needs_all && d->tasks[t->needs[i]].unit.state == TASK_SKIPPED)
            return "need_skipped";
    }
    return NULL;
}
