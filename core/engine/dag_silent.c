/* dag_silent.c - an attempt that must be heard of now and then, and was not. That it is
 * stopped for this is in its row before it is, so that whoever hears of its end, also
 * after a restart, knows what it means: nobody cancelled it. */
#include "engine/dag_priv.h"

void dag_silent(struct run *r, struct step *s, int64_t node, int64_t attempt)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || u->state != TASK_RUNNING || u->attempt != attempt ||
        (u->flags & (UNIT_SILENT | UNIT_STOPPED | UNIT_OVERTIME)))
        return; /* late, or it is being stopped already */
    u->flags |= UNIT_SILENT;
    struct task_row row = dag_row_of(r, node, u);
    row.reason = span_of(DAG_HEARTBEAT);
    dag_write_unit(s, &row, u, COLUMN_BIT(COL_TASK_REASON));
    dag_stop_unit(r, s, node, CANCEL_GRACEFUL);
}

void dag_resume_stop(struct run *r, struct step *s, int64_t node)
{
    if (dag_unit(dag_of(r), node)->flags & (UNIT_SILENT | UNIT_OVERTIME))
        dag_stop_unit(r, s, node, CANCEL_GRACEFUL);
}
