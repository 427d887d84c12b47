/* run_view.c - see run_view.h. Tasks that wait have no row; what they are follows from
 * the workflow and the rows of the others, as in the engine. */
#include "cli/read/run_view.h"

#include "exec/exec.h"
#include <string.h>

static struct span open_column(const struct cli_session *s, const struct run_row *run,
                               struct span column, struct arena *arena)
{
    struct ff_err ignored;

    if (!exec_is_kept(column))
        return column;
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    json_t *values =
        exec_resolve_run(node_settings(s->node)->files_dir, id, column, &ignored);
    if (!values)
        return column;
    MEM_AUTO char *text = json_text(values);
    const size_t len = strlen(text);
    json_decref(values);
    return (struct span){.s = arena_text(arena, text, len), .len = len};
}

void run_view_open(const struct cli_session *s, struct run_row *run,
                   struct arena *arena)
{
    run->inputs = open_column(s, run, run->inputs, arena);
    run->outputs = open_column(s, run, run->outputs, arena);
}

struct flow *run_view_flow(const struct cli_session *s, const struct run_row *run)
{
    struct flow_problems problems = {0};
    struct workflow_row row;
    struct arena arena = {0};
    struct ff_err err = {0};
    struct flow *flow = NULL;

    if (store_workflow(node_store(s->node), STORE_READER_CALLER,
                       (struct tenant){run->tenant}, run->hash, &arena, &row,
                       &err) != FF_OK)
        cli_fail_err(&err);
    else
        flow = flow_parse(row.source.s, row.source.len, &problems);
    if (flow && run->entry.s)
        flow = flow_enter(flow, run->entry.s, run->entry.len);
    if (problems.n > 0)
        cli_fail(CLI_INTERNAL, "the stored workflow no longer parses: line %d: %s",
                 problems.items[0].line, problems.items[0].msg);
    flow_problems_done(&problems);
    arena_done(&arena);
    return flow;
}

/* --- reading the rows --- */

struct reader {
    struct run_view *view;
    enum view_items items;
    int64_t task;
};

static bool keeps_item(const struct reader *r, const struct task_view *t,
                       const struct task_row *row)
{
    if (r->items == VIEW_ITEMS_ALL)
        return true;
    if (r->items == VIEW_ITEMS_RUNNING)
        return row->state == TASK_RUNNING;
    if (r->items == VIEW_ITEMS_OF_TASK)
        return NODE_TASK(row->node) == r->task;
    return row->state == TASK_FAILED && t->items.n < VIEW_FAILED_MAX;
}

static int read_row(void *arg, const void *row)
{
    const struct reader *r = arg;
    struct task_row task = *(const struct task_row *)row;
    const int64_t index = NODE_TASK(task.node);

    if (index < 0 || index >= (int64_t)r->view->flow->n_tasks)
        return 0; /* a row of another version of the file: impossible, the hash pins it
                   */
    /* It is ready: its row says no more than when its total_timeout is over. */
    if (task.state == TASK_WAITING && task.deadline_at != MODEL_NULL)
        task.state = TASK_QUEUED;
    struct task_view *t = &r->view->tasks[index];
    if (NODE_ITEM(task.node) < 0) {
        store_own_row(&record_task, &task, &r->view->arena);
        t->row = task;
        return 0;
    }
    /* One that began before its task began again counts as those without a row. */
    if (task.state > TASK_WAITING && task.state <= TASK_CANCELLED)
        t->counts[task.state]++;
    if (keeps_item(r, t, &task)) {
        store_own_row(&record_task, &task, &r->view->arena);
        ARRAY_ADD(&t->items, task);
    }
    return 0;
}

static bool needs_are_met(const struct run_view *v, const struct flow_task *t)
{
    for (uint32_t i = 0; i < t->n_needs; i++)
        if (!task_state_final(v->tasks[t->needs[i]].row.state))
            return false;
    return true;
}

/* Items that are to begin again, and that this time there was no reason for: nobody
 * undoes what was not done, and a list that was stopped, or has become shorter, has
 * ended without them. */
static void drop_waiting(struct task_view *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->items.n; i++)
        if (t->items.items[i].state != TASK_WAITING)
            t->items.items[n++] = t->items.items[i];
    t->items.n = n;
}

void run_view_fill_in(struct run_view *v)
{
    for (uint32_t i = 0; i < v->flow->n_tasks; i++) {
        const struct flow_task *t = &v->flow->tasks[i];
        struct task_view *view = &v->tasks[i];
        int64_t seen = 0;
        if (view->row.version == 0) {
            view->row = (struct task_row){
                .task = span_of(t->name),
                .item = MODEL_NULL,
                .exit_code = MODEL_NULL,
                .items = MODEL_NULL,
                .due_at = MODEL_NULL,
                .deadline_at = MODEL_NULL,
                .queued_at = MODEL_NULL,
                .started_at = MODEL_NULL,
                .finished_at = MODEL_NULL,
                .attempt_base = MODEL_NULL,
                .iteration = MODEL_NULL,
                .state = needs_are_met(v, t) ? TASK_QUEUED : TASK_WAITING,
            };
            continue;
        }
        for (size_t s = 0; s < COUNT_OF(view->counts); s++)
            seen += view->counts[s];
        /* Items that never began have no row, and get none when the rest is ended. */
        const int rest =
            task_state_final(view->row.state) ? TASK_CANCELLED : TASK_WAITING;
        if (view->row.items != MODEL_NULL && view->row.items > seen)
            view->counts[rest] += view->row.items - seen;
        if (t->part == FLOW_COMPENSATE || task_state_final(view->row.state))
            drop_waiting(view);
    }
}

bool run_view_has(const struct run_view *v, uint32_t task)
{
    const struct task_row *row = &v->tasks[task].row;
    const bool main = v->flow->tasks[task].part == FLOW_MAIN;

    if (row->version == 0)
        return main && !run_state_final(v->run.state);
    /* A handler that ran before the run began again, and not this time. */
    return main || row->state != TASK_WAITING;
}

int run_view_read(struct run_view *v, const struct cli_session *s,
                  const struct run_row *run, enum view_items items, int64_t task)
{
    const struct task_row like = {.tenant = run->tenant, .run = run->run};
    const struct store_query query = {
        .record = &record_task, .like = &like, .n_equal = 2};
    struct reader reader = {.view = v, .items = items, .task = task};
    struct ff_err err = {0};

    *v = (struct run_view){.run = *run};
    v->flow = run_view_flow(s, run);
    if (!v->flow)
        return CLI_IO;
    v->tasks = mem_array(v->flow->n_tasks, sizeof(*v->tasks));
    if (store_scan(node_store(s->node), STORE_READER_CALLER, &query, read_row, &reader,
                   &err) != FF_OK)
        return cli_fail_err(&err);
    run_view_fill_in(v);
    return CLI_OK;
}

void run_view_done(struct run_view *v)
{
    for (uint32_t i = 0; v->tasks && i < v->flow->n_tasks; i++)
        ARRAY_DONE(&v->tasks[i].items);
    mem_free(v->tasks);
    flow_unref(v->flow);
    arena_done(&v->arena);
    *v = (struct run_view){0};
}
