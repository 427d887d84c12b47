/* cmd_get.c - one run with its tasks, or one task with its items. */
#include "cli/read/limit_wait.h"
#include "cli/read/pause_view.h"
#include "cli/read/queue_view.h"
#include "cli/read/run_children.h"
#include "cli/read/run_view.h"
#include "cli/runs/runs.h"

#include "exec/exec.h"
#include <string.h>

#define VALUE_SHOWN 160 /* bytes of an output in text form */

#define TASK_KEYS                                                                      \
    (COLUMN_BIT(COL_TASK_TASK) | COLUMN_BIT(COL_TASK_ITEM) |                           \
     COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_ATTEMPT) |                       \
     COLUMN_BIT(COL_TASK_LOST) | COLUMN_BIT(COL_TASK_EXIT_CODE) |                      \
     COLUMN_BIT(COL_TASK_REASON) | COLUMN_BIT(COL_TASK_MESSAGE) |                      \
     COLUMN_BIT(COL_TASK_ITEMS) | COLUMN_BIT(COL_TASK_DUE_AT) |                        \
     COLUMN_BIT(COL_TASK_QUEUED_AT) | COLUMN_BIT(COL_TASK_STARTED_AT) |                \
     COLUMN_BIT(COL_TASK_FINISHED_AT) | COLUMN_BIT(COL_TASK_ITERATION) |               \
     COLUMN_BIT(COL_TASK_DEADLINE_AT))

struct showing {
    const struct cli *c;
    const struct run_view *view;
    const char *data_dir;
    int64_t now_us;
    int64_t only; /* task index, or -1 */
    struct run_children children;
    struct limit_waits limits;
    struct queue_views queues; /* paused, of its tasks; none when it is over */
};

/* Stored outputs as the values they stand for; a value whose file is gone stays the
 * reference that it is stored as. New reference or NULL. */
static json_t *outputs_of(const struct showing *s, struct span stored)
{
    struct ff_err err = {0};

    if (!stored.s)
        return NULL;
    MEM_AUTO char *id = mem_text_len(s->view->run.id.s, s->view->run.id.len);
    json_t *value = exec_resolve(s->data_dir, id, stored, &err);
    return value ? value : json_parse(stored.s, stored.len, &err);
}

/* Does a limit keep it, or some of its items, from starting? */
static bool waits_for(const struct showing *s, const struct task_view *t,
                      const struct task_row *row, struct limit_wait *wait)
{
    const struct flow *flow = s->view->flow;
    const int64_t task = row == &t->row ? t - s->view->tasks : NODE_TASK(row->node);
    const bool gathers = row->items != MODEL_NULL && row->item == MODEL_NULL;
    const bool ready =
        row->state == TASK_QUEUED ||
        (row->state == TASK_RETRYING && row->due_at <= s->now_us) ||
        (gathers && row->state == TASK_RUNNING &&
         t->counts[TASK_QUEUED] + t->counts[TASK_WAITING] + t->counts[TASK_RETRYING]);

    return ready && s->view->run.state != RUN_PENDING &&
           limit_wait_find(&s->limits, flow->tasks[task].policy->limits, wait);
}

/* --- JSON --- */

static void json_task(const struct showing *s, struct jsonw *w,
                      const struct task_view *t, const struct task_row *row)
{
    json_t *outputs = outputs_of(s, row->outputs);
    struct limit_wait wait;

    model_row_keys(w, &record_task, row, TASK_KEYS);
    if (waits_for(s, t, row, &wait))
        limit_wait_json(&wait, w);
    if (outputs) {
        jsonw_key(w, "outputs");
        jsonw_value(w, outputs);
        json_decref(outputs);
    }
}

static void json_items(const struct showing *s, struct jsonw *w,
                       const struct task_view *t)
{
    jsonw_key(w, "item_states");
    jsonw_open(w, '{');
    for (size_t i = 0; i < COUNT_OF(t->counts); i++) {
        if (t->counts[i] == 0)
            continue;
        jsonw_key(w, task_state_names[i]);
        jsonw_int(w, t->counts[i]);
    }
    jsonw_close(w, '}');
    if (t->items.n == 0)
        return;
    jsonw_key(w, "item_list");
    jsonw_open(w, '[');
    for (size_t i = 0; i < t->items.n; i++) {
        jsonw_open(w, '{');
        json_task(s, w, t, &t->items.items[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static bool shows(const struct showing *s, const struct run_child *child)
{
    return s->only < 0 || NODE_TASK(child->node) == s->only;
}

static void json_children(const struct showing *s, struct jsonw *w)
{
    jsonw_key(w, "runs");
    jsonw_open(w, '[');
    for (size_t i = 0; i < s->children.n; i++) {
        const struct run_child *child = &s->children.items[i];
        if (!shows(s, child))
            continue;
        jsonw_open(w, '{');
        jsonw_key(w, "of");
        jsonw_text(w, child->path);
        jsonw_key(w, "id");
        jsonw_text(w, child->id);
        jsonw_key(w, "state");
        jsonw_text(w, run_state_names[child->state]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void add_json(const struct showing *s, struct buf *out)
{
    const struct run_view *v = s->view;
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    model_row_keys(&w, &record_run, &v->run, RUN_KEYS);
    jsonw_key(&w, "tasks");
    jsonw_open(&w, '[');
    for (uint32_t i = 0; i < v->flow->n_tasks; i++) {
        if (!run_view_has(v, i) || (s->only >= 0 && s->only != i))
            continue;
        jsonw_open(&w, '{');
        json_task(s, &w, &v->tasks[i], &v->tasks[i].row);
        if (v->tasks[i].row.items != MODEL_NULL)
            json_items(s, &w, &v->tasks[i]);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    if (s->children.n > 0)
        json_children(s, &w);
    if (s->queues.n > 0)
        queue_views_json(&w, &s->queues);
    jsonw_close(&w, '}');
    buf_add_char(out, '\n');
}

/* --- text --- */

static void add_field(struct buf *out, const char *name, struct span value)
{
    if (!value.s || value.len == 0)
        return;
    buf_printf(out, "%-10s", name);
    cli_add_clean(out, value.s, value.len);
    buf_add_char(out, '\n');
}

static void add_times(const struct showing *s, struct buf *out)
{
    const struct run_row *run = &s->view->run;
    const bool over = run->finished_at != MODEL_NULL;
    char text[UNITS_TEXT];

    cli_time_text(run->created_at, text);
    add_field(out, "created", span_of(text));
    cli_time_text(run->started_at, text);
    if (run->started_at != MODEL_NULL)
        add_field(out, "started", span_of(text));
    cli_time_text(run->finished_at, text);
    if (over)
        add_field(out, "finished", span_of(text));
    cli_span_text(run->started_at, over ? run->finished_at : s->now_us, text);
    add_field(out, over ? "took" : "runs for", span_of(text));
}

static void add_pause(const struct showing *s, struct buf *out)
{
    struct buf text = {0};

    pause_view_add(&text, &s->view->run);
    for (size_t i = 0; i < s->queues.n; i++) {
        buf_add_text(&text, text.len > 0 ? "; " : "");
        queue_view_add(&text, &s->queues.items[i]);
    }
    add_field(out, "paused", (struct span){.s = text.data, .len = text.len});
    buf_done(&text);
}

static void add_run(const struct showing *s, struct buf *out)
{
    const struct run_row *run = &s->view->run;

    add_field(out, "run", run->id);
    add_field(out, "workflow", run->workflow);
    buf_printf(out, "%-10s", "state");
    cli_add_coloured(out, s->c->colour, cli_run_colour(run->state),
                     run_state_names[run->state]);
    buf_add_char(out, '\n');
    add_pause(s, out);
    add_field(out, "reason", run->reason);
    add_field(out, "message", run->message);
    add_times(s, out);
    add_field(out, "dir", run->dir);
    add_field(out, "labels", run->labels);
    if (run->inputs.len > 2)
        add_field(out, "inputs", run->inputs);
    add_field(out, "outputs", run->outputs);
}

static void add_task(const struct showing *s, struct cli_grid *g,
                     const struct task_row *row)
{
    const bool goes_on = row->state == TASK_RUNNING || row->state == TASK_SUSPENDED;
    const int64_t end =
        row->finished_at == MODEL_NULL && goes_on ? s->now_us : row->finished_at;
    const bool is_item = row->item != MODEL_NULL;
    char took[UNITS_TEXT];

    cli_span_text(row->started_at, end, took);
    struct buf name = {0};
    if (is_item)
        buf_printf(&name, "  %.*s.%lld", (int)row->task.len, row->task.s,
                   (long long)row->item);
    else
        buf_add(&name, row->task.s, row->task.len);
    cli_cell(g, is_item ? CLI_PLAIN : CLI_BOLD, buf_text(&name));
    buf_done(&name);
    cli_cell(g, cli_task_colour(row->state), task_state_names[row->state]);
    if (row->attempt > 0)
        cli_cell_f(g, "%lld", (long long)row->attempt);
    else
        cli_cell(g, CLI_PLAIN, "-");
    cli_cell(g, CLI_PLAIN, took);
    if (row->exit_code != MODEL_NULL)
        cli_cell_f(g, "%lld", (long long)row->exit_code);
    else
        cli_cell(g, CLI_PLAIN, "-");
}

static char *mem_text_of(struct span s)
{
    return s.s ? mem_text_len(s.s, s.len) : NULL;
}

/* "waits for time, until 2026-11-30 08:00:00", "waits for event payment (key 17)" */
static void add_wait(struct buf *text, const char *reason, const char *message,
                     const struct task_row *row, const struct flow_work *work)
{
    char until[UNITS_TEXT];

    buf_printf(text, "waits for %s", cli_wait_word(reason));
    if (message && cli_wait_names(reason)) {
        buf_add_char(text, ' ');
        cli_add_clean(text, message, strlen(message));
    }
    if (row->due_at != MODEL_NULL) {
        cli_time_text(row->due_at, until);
        buf_printf(text, ", until %s", until);
    }
    if (message && !cli_wait_names(reason)) {
        buf_add_text(text, ": ");
        cli_add_clean(text, message, strlen(message));
    }
    if (work->kind == FLOW_APPROVE && work->approve->approvers)
        buf_printf(text, " (%s)", work->approve->approvers);
}

static void add_limit(struct buf *text, const struct showing *s,
                      const struct task_view *t, const struct task_row *row)
{
    struct limit_wait wait;

    if (!waits_for(s, t, row, &wait))
        return;
    if (text->len > 0)
        buf_add_text(text, "; ");
    limit_wait_text(&wait, text);
}

static void add_why(struct cli_grid *g, const struct showing *s,
                    const struct task_view *t, const struct task_row *row,
                    const struct flow_work *work)
{
    struct buf text = {0};

    if (row->items != MODEL_NULL && row->item == MODEL_NULL) {
        buf_printf(&text, "%lld items:", (long long)row->items);
        for (size_t i = 0; i < COUNT_OF(t->counts); i++)
            if (t->counts[i] > 0)
                buf_printf(&text, " %lld %s", (long long)t->counts[i],
                           task_state_names[i]);
    }
    if (work->repeat && row->iteration != MODEL_NULL)
        buf_printf(&text, "iteration %lld of %lld", (long long)row->iteration,
                   (long long)work->repeat->max);
    MEM_AUTO char *reason = mem_text_of(row->reason);
    MEM_AUTO char *message = mem_text_of(row->message);
    if (reason && text.len > 0)
        buf_add_text(&text, "; ");
    if (row->state == TASK_SUSPENDED)
        add_wait(&text, reason, message, row, work);
    else
        cli_add_why(&text, reason, row->exit_code, message);
    add_limit(&text, s, t, row);
    cli_cell(g, CLI_PLAIN, buf_text(&text));
    buf_done(&text);
}

static void add_tasks(const struct showing *s, struct buf *out)
{
    static const char *const heads[] = {"TASK", "STATE", "ATTEMPT",
                                        "TOOK", "EXIT",  "WHY"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = s->c->colour};
    const struct run_view *v = s->view;

    for (size_t i = 0; i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    for (uint32_t i = 0; i < v->flow->n_tasks; i++) {
        const struct task_view *t = &v->tasks[i];
        if (!run_view_has(v, i) || (s->only >= 0 && s->only != i))
            continue;
        add_task(s, &g, &t->row);
        add_why(&g, s, t, &t->row, v->flow->tasks[i].work);
        for (size_t k = 0; k < t->items.n; k++) {
            add_task(s, &g, &t->items.items[k]);
            add_why(&g, s, t, &t->items.items[k], v->flow->tasks[i].work);
        }
    }
    cli_grid_add_to(&g, out);
}

/* "fetch.path = "/tmp/x"": a line an output, long values cut. */
static void add_outputs_of(const struct showing *s, const struct task_row *row,
                           struct buf *out)
{
    json_t *outputs = outputs_of(s, row->outputs);
    const char *name;
    json_t *value;

    json_object_foreach(outputs, name, value)
    {
        MEM_AUTO char *text = json_text(value);
        const size_t len = strlen(text);
        buf_printf(out, "  %.*s", (int)row->task.len, row->task.s);
        if (row->item != MODEL_NULL)
            buf_printf(out, ".%lld", (long long)row->item);
        buf_printf(out, ".%s = ", name);
        cli_add_clean(out, text, len < VALUE_SHOWN || s->only >= 0 ? len : VALUE_SHOWN);
        buf_add_text(out, len < VALUE_SHOWN || s->only >= 0 ? "\n" : "...\n");
    }
    json_decref(outputs);
}

static void add_outputs(const struct showing *s, struct buf *out)
{
    const struct run_view *v = s->view;
    struct buf lines = {0};

    for (uint32_t i = 0; i < v->flow->n_tasks; i++) {
        if (s->only >= 0 && s->only != i)
            continue;
        add_outputs_of(s, &v->tasks[i].row, &lines);
        for (size_t k = 0; k < v->tasks[i].items.n; k++)
            add_outputs_of(s, &v->tasks[i].items.items[k], &lines);
    }
    if (lines.len > 0) {
        buf_add_text(out, "\noutputs:\n");
        buf_add(out, buf_text(&lines), lines.len);
    }
    buf_done(&lines);
}

/* Runs that are tasks of this one: each can be asked for by its id. */
static void add_children(const struct showing *s, struct buf *out)
{
    struct cli_grid g = {.n_columns = 3, .colour = s->c->colour};

    for (size_t i = 0; i < s->children.n; i++) {
        const struct run_child *child = &s->children.items[i];
        if (!shows(s, child))
            continue;
        cli_cell_f(&g, "  %s", child->path);
        cli_cell(&g, cli_run_colour(child->state), run_state_names[child->state]);
        cli_cell(&g, CLI_PLAIN, child->id);
    }
    if (g.n > 0)
        buf_add_text(out, "\nruns:\n");
    cli_grid_add_to(&g, out);
}

/* --- the command --- */

static int read_queues(const struct cli_session *s, struct showing *show)
{
    struct ff_err err = {0};

    if (run_state_final(show->view->run.state))
        return CLI_OK;
    if (queue_views_read(&show->queues, s, &err) != FF_OK)
        return cli_fail_err(&err);
    queue_views_of(&show->queues, show->view->flow);
    return CLI_OK;
}

/* name: of a task, or NULL: all of the run */
static int get(struct cli *c, const struct cli_session *s, const struct run_row *run,
               const char *name)
{
    const enum view_items items =
        cli_has(&c->args, "items") || name ? VIEW_ITEMS_ALL : VIEW_ITEMS_FAILED;
    struct run_view view;
    struct showing show = {.c = c,
                           .view = &view,
                           .data_dir = node_settings(s->node)->files_dir,
                           .now_us = loop_wall_us(s->loop),
                           .only = -1};
    struct buf out = {0};

    int code = run_view_read(&view, s, run, items, -1);
    if (code == CLI_OK)
        run_view_open(s, &view.run, &view.arena);
    if (code == CLI_OK)
        code = run_children_read(s, run->tenant, run->run, &show.children);
    if (code == CLI_OK && !run_state_final(run->state) && limit_wait_may(view.flow))
        code = limit_waits_read(&show.limits, s);
    if (code == CLI_OK && name) {
        show.only = flow_task_index(view.flow, name);
        if (show.only < 0)
            code = cli_fail(CLI_NOT_FOUND, "the workflow %s has no task %s",
                            view.flow->name, name);
    }
    if (code == CLI_OK)
        code = read_queues(s, &show);
    if (code == CLI_OK && c->json) {
        add_json(&show, &out);
    } else if (code == CLI_OK) {
        if (!name)
            add_run(&show, &out);
        if (!name)
            buf_add_char(&out, '\n');
        add_tasks(&show, &out);
        add_children(&show, &out);
        add_outputs(&show, &out);
    }
    ARRAY_DONE(&show.children);
    limit_waits_done(&show.limits);
    queue_views_done(&show.queues);
    run_view_done(&view);
    return code == CLI_OK ? cli_print(&out) : code;
}

int cmd_get(struct cli *c)
{
    struct cli_about about;
    const char *name = c->args.words.n > 1 ? c->args.words.items[1] : NULL;

    int code = cli_open_run(c, &about);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, name, &about.arena, &about.run, &name);
    if (code == CLI_OK)
        code = get(c, &about.s, &about.run, name && *name ? name : NULL);
    cli_close_run(&about);
    return code;
}
