/* kind_noop.c - a task that does nothing: it joins others or carries a condition.
 * Begins and ends in one step, with one event. */
#include "engine/dag_kind.h"

static void enter(struct run *r, struct step *s, int64_t node)
{
    dag_end_unit(r, s, node, TASK_SUCCEEDED, NULL, NULL);
}

/* Rows of 0.1 may hold one that had a slot. */
static void stop(struct run *r, struct step *s, int64_t node, enum cancel_mode mode)
{
    (void)mode;
    dag_end_unit(r, s, node, TASK_CANCELLED, "cancelled", NULL);
}

const struct dag_kind dag_kind_noop = {.enter = enter, .resume = enter, .stop = stop};
