/* view_summary.c - what is said when a run has ended: how, why, and where its logs are.
 */
#include "cli/view/view.h"

#include <string.h>

static void add_failed(const struct track *t, const struct view_look *look,
                       struct buf *out)
{
    for (uint32_t i = 0; i < t->flow->n_tasks; i++) {
        const struct track_task *task = &t->tasks[i];
        if (!task->seen || task->state != TASK_FAILED)
            continue;
        struct buf why = {0};
        buf_printf(&why, "task %s failed: ", t->flow->tasks[i].name);
        cli_add_why(&why, task->reason, task->exit_code, task->message);
        cli_add_coloured(out, look->colour, CLI_RED, buf_text(&why));
        buf_add_char(out, '\n');
        buf_done(&why);
    }
}

void view_summary(const struct track *t, const struct view_look *look,
                  const char *data_dir, struct buf *out)
{
    char took[UNITS_TEXT];

    cli_span_text(t->started_at, t->finished_at, took);
    add_failed(t, look, out);
    cli_add_coloured(out, look->colour, cli_run_colour(t->state),
                     run_state_names[t->state]);
    buf_printf(out, ": %s %s, %lld of %u tasks ended, took %s", t->flow->name, t->id,
               (long long)t->final_tasks, t->flow->n_main, took);
    if (t->state == RUN_CANCELLED && t->reason)
        buf_printf(out, ": %s", t->reason);
    if (t->state == RUN_FAILED && t->reason && strcmp(t->reason, "task_failed") != 0) {
        buf_add_text(out, ": ");
        cli_add_why(out, t->reason, MODEL_NULL, t->message);
    }
    buf_printf(out, "\nlogs: flowforge logs %s", t->id);
    if (data_dir)
        buf_printf(out, " (in %s/runs/%s/logs)", data_dir, t->id);
    buf_add_char(out, '\n');
}
