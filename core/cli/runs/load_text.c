/* load_text.c - what `top` shows, as lines and as JSON. See load_view.h. */
#include "cli/runs/load_view.h"

#include <string.h>

/* --- lines --- */

static int64_t count_waiting(const struct load_view *v)
{
    int64_t n = 0;

    for (size_t i = 0; i < v->queues.n; i++)
        n += v->queues.items[i].waiting;
    return n;
}

static void add_head(const struct load_view *v, struct buf *out)
{
    const json_t *pid = json_object_get(v->owner, "pid");
    char now[UNITS_TEXT];

    cli_time_text(v->at_us, now);
    buf_printf(out, "%s  ", now);
    if (pid)
        buf_printf(out, "led by process %lld\n", (long long)json_integer_value(pid));
    else
        buf_add_text(out, "nobody leads\n");
    buf_printf(out, "runs: %lld running, %lld pending, %lld cancelling",
               (long long)v->states[RUN_RUNNING], (long long)v->states[RUN_PENDING],
               (long long)v->states[RUN_CANCELLING]);
    if (v->unseen > 0)
        buf_printf(out, "; %lld of them not looked into", (long long)v->unseen);
    buf_printf(out, "\nattempts: %zu running, %lld waiting\n", v->tasks.n,
               (long long)count_waiting(v));
}

static void add_heads(struct cli_grid *g, const char *const *heads)
{
    for (size_t i = 0; i < g->n_columns; i++)
        cli_cell(g, CLI_PLAIN, heads[i]);
}

static void add_queues(const struct load_view *v, struct buf *out)
{
    static const char *const heads[] = {"QUEUE", "RUNNING", "WAITING", ""};
    struct cli_grid g = {.n_columns = COUNT_OF(heads)};

    if (v->queues.n == 0)
        return;
    buf_add_char(out, '\n');
    add_heads(&g, heads);
    for (size_t i = 0; i < v->queues.n; i++) {
        const struct load_queue *q = &v->queues.items[i];
        cli_cell_span(&g, CLI_PLAIN, span_of(q->name));
        cli_cell_f(&g, "%lld", (long long)q->running);
        cli_cell_f(&g, "%lld", (long long)q->waiting);
        cli_cell_f(&g, "%s%s", q->paused_by ? "paused by " : "",
                   q->paused_by ? q->paused_by : "");
    }
    cli_grid_add_to(&g, out);
}

static void add_limits(const struct load_view *v, struct buf *out)
{
    static const char *const heads[] = {"LIMIT", "HELD", "OF", "BY"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads)};
    struct buf holders = {0};

    if (v->limits.all.n == 0)
        return;
    buf_add_char(out, '\n');
    add_heads(&g, heads);
    for (size_t i = 0; i < v->limits.all.n; i++) {
        const struct limit_view *l = &v->limits.all.items[i];
        limit_view_holders(l, &holders);
        cli_cell_span(&g, CLI_PLAIN, span_of(l->name));
        cli_cell_f(&g, "%zu", l->holders.n);
        if (l->size >= 0)
            cli_cell_f(&g, "%lld", (long long)l->size);
        else
            cli_cell(&g, CLI_PLAIN, "-");
        cli_cell_span(&g, CLI_PLAIN, span_of(buf_text(&holders)));
        buf_clear(&holders);
    }
    buf_done(&holders);
    cli_grid_add_to(&g, out);
}

static void add_tasks(const struct load_view *v, struct buf *out)
{
    static const char *const heads[] = {"RUN",     "WORKFLOW", "TASK",
                                        "ATTEMPT", "FOR",      "QUEUE"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads)};
    char took[UNITS_TEXT];

    if (v->tasks.n == 0)
        return;
    buf_add_char(out, '\n');
    add_heads(&g, heads);
    for (size_t i = 0; i < v->tasks.n; i++) {
        const struct load_task *t = &v->tasks.items[i];
        cli_cell_f(&g, "%.8s", t->run);
        cli_cell_span(&g, CLI_PLAIN, span_of(t->workflow));
        cli_cell_span(&g, CLI_PLAIN, span_of(t->path));
        cli_cell_f(&g, "%lld", (long long)t->attempt);
        cli_span_text(t->started_at, v->at_us, took);
        cli_cell(&g, CLI_PLAIN, took);
        cli_cell_span(&g, CLI_PLAIN, span_of(t->queue));
    }
    cli_grid_add_to(&g, out);
}

/* Whole characters that fit; a character of UTF-8 counts as one column. */
static size_t fitting(const char *line, size_t len, size_t columns)
{
    size_t n = 0;
    size_t i = 0;

    while (i < len) {
        if (((unsigned char)line[i] & 0xc0) != 0x80 && n++ == columns)
            break;
        i++;
    }
    return i;
}

void load_view_text(const struct load_view *v, size_t rows, size_t columns,
                    struct buf *out)
{
    struct buf all = {0};

    add_head(v, &all);
    add_queues(v, &all);
    add_limits(v, &all);
    add_tasks(v, &all);
    const char *line = buf_text(&all);
    for (size_t n = 0; *line && (rows == 0 || n < rows); n++) {
        const size_t len = strcspn(line, "\n");
        buf_add(out, line, columns > 0 ? fitting(line, len, columns) : len);
        buf_add_char(out, '\n');
        line += len + 1;
    }
    buf_done(&all);
}

/* --- JSON --- */

static json_t *runs_json(const struct load_view *v)
{
    json_t *runs = json_object();

    for (int64_t i = 0; i <= RUN_CANCELLED; i++)
        if (!run_state_final(i))
            json_object_set_new(runs, run_state_names[i], json_integer(v->states[i]));
    json_object_set_new(runs, "not_looked_into", json_integer(v->unseen));
    return runs;
}

static json_t *queues_json(const struct load_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->queues.n; i++) {
        const struct load_queue *q = &v->queues.items[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s?}", "queue", q->name,
                                              "running", (json_int_t)q->running,
                                              "waiting", (json_int_t)q->waiting,
                                              "paused_by", q->paused_by));
    }
    return list;
}

static json_t *limits_json(const struct load_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->limits.all.n; i++) {
        const struct limit_view *l = &v->limits.all.items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:o}", "limit", l->name, "held",
                            (json_int_t)l->holders.n, "size",
                            l->size >= 0 ? json_integer(l->size) : json_null()));
    }
    return list;
}

static json_t *tasks_json(const struct load_view *v)
{
    json_t *list = json_array();
    char started[UNITS_TEXT];

    for (size_t i = 0; i < v->tasks.n; i++) {
        const struct load_task *t = &v->tasks.items[i];
        units_time_text(t->started_at, started);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "run", t->run,
                                        "workflow", t->workflow, "task", t->path,
                                        "attempt", (json_int_t)t->attempt, "started_at",
                                        started, "queue", t->queue));
    }
    return list;
}

void load_view_json(const struct load_view *v, struct buf *out)
{
    char at[UNITS_TEXT];

    units_time_text(v->at_us, at);
    json_t *all = json_pack("{s:s, s:O?, s:o, s:o, s:o, s:o}", "at", at, "owner",
                            v->owner, "runs", runs_json(v), "queues", queues_json(v),
                            "limits", limits_json(v), "tasks", tasks_json(v));
    json_add_to(out, all);
    buf_add_char(out, '\n');
    json_decref(all);
}
