/* doctor_slots.c - does every place of a limit belong to what is running, and does
 * everything that is running hold what its workflow says? Rows are read one after the
 * other while an owner may work, so each suspicion is looked at again: a row of a place
 * goes in the commit that ends its attempt, and comes in the one that begins it. */
#include "cli/admin/doctor.h"
#include "cli/read/run_view.h"

#include <string.h>

struct places {
    struct {
        struct slot_row *items;
        size_t n, cap;
    } rows;
    struct arena arena;
};

static int add_place(void *arg, const void *row)
{
    struct places *p = arg;
    struct slot_row slot = *(const struct slot_row *)row;

    store_own_row(&record_slot, &slot, &p->arena);
    ARRAY_ADD(&p->rows, slot);
    return 0;
}

static int note_state(void *arg, const void *row)
{
    *(struct task_row *)arg = *(const struct task_row *)row;
    return 1;
}

static int note_run(void *arg, const void *row)
{
    ((struct run_row *)arg)->state = ((const struct run_row *)row)->state;
    ((struct run_row *)arg)->version = ((const struct run_row *)row)->version;
    return 1;
}

static int note_slot(void *arg, const void *row)
{
    ((struct slot_row *)arg)->version = ((const struct slot_row *)row)->version;
    ((struct slot_row *)arg)->run = ((const struct slot_row *)row)->run;
    ((struct slot_row *)arg)->attempt = ((const struct slot_row *)row)->attempt;
    return 1;
}

/* Does what the row names run? */
static int is_running(struct doctor *d, const struct slot_row *slot, bool *running)
{
    struct task_row task = {
        .tenant = slot->tenant, .run = slot->run, .node = slot->node};
    struct run_row run = {.tenant = slot->tenant, .run = slot->run};
    int code;

    if (slot->attempt == 0) {
        code = doctor_scan(d, &record_run, &run, 2, note_run, &run);
        *running =
            run.version > 0 && run.state != RUN_PENDING && !run_state_final(run.state);
        return code;
    }
    const struct task_row like = task;
    code = doctor_scan(d, &record_task, &like, 3, note_state, &task);
    *running =
        task.version > 0 && task.state == TASK_RUNNING && task.attempt == slot->attempt;
    return code;
}

static int is_there(struct doctor *d, const struct slot_row *slot, bool *there)
{
    struct slot_row now = {.tenant = slot->tenant};
    const int code = doctor_scan(d, &record_slot, slot, 3, note_slot, &now);

    *there = now.version == slot->version && now.run == slot->run &&
             now.attempt == slot->attempt;
    return code;
}

static int check_place(struct doctor *d, const struct slot_row *slot)
{
    bool running, there = false;
    int code = is_running(d, slot, &running);

    if (code == FF_OK && !running)
        code = is_there(d, slot, &there);
    if (code == FF_OK && !running && there) {
        d->leaked++;
        doctor_says(
            d,
            "place %lld of %.*s is held by attempt %lld of run %lld, which does "
            "not run",
            (long long)slot->place, (int)slot->name.len, slot->name.s,
            (long long)slot->attempt, (long long)slot->run);
    }
    return code;
}

/* --- the other way round --- */

struct running {
    struct {
        struct task_row *items;
        size_t n, cap;
    } rows;
};

static int add_running(void *arg, const void *row)
{
    struct running *r = arg;
    const struct task_row *task = row;

    if (task->state == TASK_RUNNING && task->items == MODEL_NULL && task->attempt > 0)
        ARRAY_ADD(&r->rows, *task);
    return 0;
}

static int64_t wanted(const struct flow *f, const struct task_row *task)
{
    const int64_t index = NODE_TASK(task->node);
    int64_t n = 0;

    if (index < 0 || index >= (int64_t)f->n_tasks)
        return 0;
    const struct flow_limits *limits = f->tasks[index].policy->limits;
    for (uint32_t i = 0; limits && i < limits->n; i++)
        n += limits->items[i].per_us > 0 ? 0 : limits->items[i].amount;
    return n;
}

static int64_t count_held(const struct places *p, int64_t run, int64_t node,
                          int64_t attempt)
{
    int64_t n = 0;

    for (size_t i = 0; i < p->rows.n; i++)
        n += p->rows.items[i].run == run && p->rows.items[i].node == node &&
             p->rows.items[i].attempt == attempt;
    return n;
}

/* Places are read after the task: if it still runs then, they must be there. */
static int check_task(struct doctor *d, const struct flow *f,
                      const struct task_row *task)
{
    const struct slot_row like = {.tenant = task->tenant, .run = task->run};
    const struct slot_row named = {.tenant = task->tenant,
                                   .run = task->run,
                                   .node = task->node,
                                   .attempt = task->attempt};
    const int64_t n = wanted(f, task);
    struct places p = {0};
    bool running = false;

    if (n == 0)
        return FF_OK;
    int code = store_scan(
        node_store(d->s->node), STORE_READER_CALLER,
        &(struct store_query){
            .record = &record_slot, .index = "slot_run", .like = &like, .n_equal = 2},
        add_place, &p, &d->err);
    const int64_t held = count_held(&p, task->run, task->node, task->attempt);
    if (code == FF_OK && held != n)
        code = is_running(d, &named, &running);
    if (running) {
        d->ghosts++;
        doctor_says(d,
                    "attempt %lld of task %.80s in run %lld runs with %lld places of "
                    "limits, and should hold %lld",
                    (long long)task->attempt, f->tasks[NODE_TASK(task->node)].name,
                    (long long)task->run, (long long)held, (long long)n);
    }
    ARRAY_DONE(&p.rows);
    arena_done(&p.arena);
    return code;
}

struct run_found {
    struct run_row row;
    struct arena *arena;
};

static int take_run(void *arg, const void *row)
{
    struct run_found *found = arg;

    found->row = *(const struct run_row *)row;
    store_own_row(&record_run, &found->row, found->arena);
    return 1;
}

static int check_run(struct doctor *d, const struct open_run_row *open)
{
    const struct run_row like = {.tenant = open->tenant, .run = open->run};
    const struct task_row tasks = {.tenant = open->tenant, .run = open->run};
    struct arena arena = {0};
    struct run_found found = {.arena = &arena};
    struct running running = {0};
    int code = doctor_scan(d, &record_run, &like, 2, take_run, &found);

    if (code == FF_OK)
        code = doctor_scan(d, &record_task, &tasks, 2, add_running, &running);
    if (code == FF_OK && running.rows.n > 0) {
        struct flow *f = run_view_flow(d->s, &found.row);
        for (size_t i = 0; f && code == FF_OK && i < running.rows.n; i++)
            code = check_task(d, f, &running.rows.items[i]);
        flow_unref(f);
    }
    ARRAY_DONE(&running.rows);
    arena_done(&arena);
    return code;
}

int doctor_slots(struct doctor *d)
{
    const struct slot_row all = {.tenant = TENANT_DEFAULT.no};
    struct places p = {0};
    int code = doctor_scan(d, &record_slot, &all, 1, add_place, &p);

    for (size_t i = 0; code == FF_OK && i < p.rows.n; i++)
        code = check_place(d, &p.rows.items[i]);
    if (code == FF_OK)
        code = doctor_each_open_run(d, check_run);
    if (code == FF_OK && d->leaked + d->ghosts == 0)
        doctor_says(d, "%zu places of limits are held, each by what is running",
                    p.rows.n);
    d->bad = d->leaked + d->ghosts > 0;
    d->remedy = "`flowforge resume` gives such places back; please report how it came";
    ARRAY_DONE(&p.rows);
    arena_done(&p.arena);
    return code;
}
