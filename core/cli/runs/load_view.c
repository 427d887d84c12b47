/* load_view.c - reads what `top` shows. See load_view.h. */
#include "cli/runs/load_view.h"

#include "cli/owner/owner_link.h"
#include "cli/read/run_view.h"
#include "cli/remote/remote.h"
#include "why/why.h"

#include <stdlib.h>
#include <string.h>

/* --- which runs are open --- */

struct open_runs {
    struct arena arena;
    struct run_row *items;
    size_t n, cap;
    struct load_view *v;
};

struct numbers {
    int64_t *items;
    size_t n, cap;
    bool all; /* a server shows those of one tenant, whatever its number is there */
};

static int take_number(void *arg, const void *row)
{
    const struct open_run_row *open = row;
    struct numbers *numbers = arg;

    if (numbers->all || open->tenant == TENANT_DEFAULT.no)
        ARRAY_ADD(numbers, open->run);
    return 0;
}

static int take_run(void *arg, const void *row)
{
    struct open_runs *runs = arg;
    struct run_row run = *(const struct run_row *)row;

    if (run_state_final(run.state))
        return 1; /* since it was counted */
    runs->v->states[run.state]++;
    if (runs->n >= LOAD_RUNS_MAX) {
        runs->v->unseen++;
        return 1;
    }
    store_own_row(&record_run, &run, &runs->arena);
    ARRAY_ADD(runs, run);
    return 1;
}

static int read_open(struct open_runs *runs, const struct cli_session *s)
{
    struct store *store = node_store(s->node);
    const struct store_query all = {.record = &record_open_run};
    struct numbers numbers = {.all = s->remote != NULL};
    struct ff_err err = {0};
    int code =
        store_scan(store, STORE_READER_CALLER, &all, take_number, &numbers, &err);

    for (size_t i = 0; code == FF_OK && i < numbers.n; i++) {
        const struct run_row like = {.tenant = TENANT_DEFAULT.no,
                                     .run = numbers.items[i]};
        const struct store_query one = {
            .record = &record_run, .like = &like, .n_equal = 2};
        code = store_scan(store, STORE_READER_CALLER, &one, take_run, runs, &err);
    }
    ARRAY_DONE(&numbers);
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

/* --- what their tasks are at --- */

static struct load_queue *queue_of(struct load_view *v, const char *name)
{
    for (size_t i = 0; i < v->queues.n; i++)
        if (strcmp(v->queues.items[i].name, name) == 0)
            return &v->queues.items[i];
    const struct load_queue queue = {.name = arena_text(&v->arena, name, strlen(name))};
    ARRAY_ADD(&v->queues, queue);
    return &v->queues.items[v->queues.n - 1];
}

static void add_running(struct load_view *v, const struct run_row *run,
                        const struct task_row *row, struct load_queue *queue)
{
    struct buf path = {0};

    buf_add(&path, row->task.s, row->task.len);
    if (row->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)row->item);
    const struct load_task task = {
        .run = arena_text(&v->arena, run->id.s, run->id.len),
        .workflow = arena_text(&v->arena, run->workflow.s, run->workflow.len),
        .queue = queue->name,
        .path = buf_take(&path),
        .attempt = row->attempt,
        .started_at = row->started_at,
    };
    ARRAY_ADD(&v->tasks, task);
    queue->running++;
}

static bool is_list(const struct task_row *row)
{
    return row->items != MODEL_NULL && row->item == MODEL_NULL;
}

static void add_task(struct load_view *v, const struct run_view *run, uint32_t index)
{
    const struct flow_task *task = &run->flow->tasks[index];
    const struct task_view *t = &run->tasks[index];

    if (!run_view_has(run, index) || !why_takes_slot(task))
        return;
    struct load_queue *queue = queue_of(v, task->policy->queue);
    for (size_t i = 0; i < t->items.n; i++)
        add_running(v, &run->run, &t->items.items[i], queue);
    if (is_list(&t->row) && !task_state_final(t->row.state))
        queue->waiting += t->counts[TASK_QUEUED] + t->counts[TASK_WAITING];
    else if (t->row.state == TASK_RUNNING)
        add_running(v, &run->run, &t->row, queue);
    else if (t->row.state == TASK_QUEUED)
        queue->waiting++;
}

static int add_run(struct load_view *v, const struct cli_session *s,
                   const struct run_row *row)
{
    struct run_view run;
    const int code = run_view_read(&run, s, row, VIEW_ITEMS_RUNNING, -1);

    for (uint32_t i = 0; code == CLI_OK && i < run.flow->n_tasks; i++)
        add_task(v, &run, i);
    run_view_done(&run);
    return code;
}

/* --- all of it --- */

static int read_paused(struct load_view *v, const struct cli_session *s)
{
    struct queue_views paused;
    struct ff_err err = {0};
    const int code = queue_views_read(&paused, s, &err);

    for (size_t i = 0; code == FF_OK && i < paused.n; i++) {
        const char *by = paused.items[i].by;
        queue_of(v, paused.items[i].name)->paused_by =
            arena_text(&v->arena, by, strlen(by));
    }
    queue_views_done(&paused);
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

static int by_start(const void *a, const void *b)
{
    const struct load_task *x = a, *y = b;

    return (x->started_at > y->started_at) - (x->started_at < y->started_at);
}

static int by_name(const void *a, const void *b)
{
    const struct load_queue *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int read_owner(struct load_view *v, const struct cli_session *s)
{
    MEM_AUTO char *socket = node_socket_path(s->node);
    struct ff_err nobody = {0};
    json_t *system = NULL;

    if (s->remote) {
        const int code = remote_ask(s->remote, "/system", &system);
        v->owner = json_incref(json_object_get(system, "owner"));
        json_decref(system);
        return code;
    }
    if (owner_call(socket, "GET", "/api/v1/owner", NULL, &v->owner, &nobody) != FF_OK)
        v->owner = NULL;
    return CLI_OK;
}

int load_view_read(struct load_view *v, struct cli_session *s)
{
    struct open_runs runs = {.v = v};

    *v = (struct load_view){.at_us = loop_wall_us(s->loop)};
    int code = read_owner(v, s);
    if (code == CLI_OK)
        code = read_open(&runs, s);
    for (size_t i = 0; code == CLI_OK && i < runs.n; i++)
        code = add_run(v, s, &runs.items[i]);
    if (code == CLI_OK)
        code = read_paused(v, s);
    if (code == CLI_OK)
        code = limit_views_read(&v->limits, s);
    ARRAY_DONE(&runs);
    arena_done(&runs.arena);
    if (v->tasks.n > 1)
        qsort(v->tasks.items, v->tasks.n, sizeof(*v->tasks.items), by_start);
    if (v->queues.n > 1)
        qsort(v->queues.items, v->queues.n, sizeof(*v->queues.items), by_name);
    return code;
}

void load_view_done(struct load_view *v)
{
    for (size_t i = 0; i < v->tasks.n; i++)
        mem_free(v->tasks.items[i].path);
    ARRAY_DONE(&v->tasks);
    ARRAY_DONE(&v->queues);
    limit_views_done(&v->limits);
    json_decref(v->owner);
    arena_done(&v->arena);
    *v = (struct load_view){0};
}
