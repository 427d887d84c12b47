/* dag_reset.c - tasks that begin again: which, and what their rows say from then on.
 * Attempt numbers go on being counted, so that a late result of an attempt from before
 * changes nothing; the attempts of before do not count for `retry`. Carried out once:
 * of a run that was over when it is loaded, in the step that also says everything else
 * again; of one that still runs when no attempt is left of what begins again, see
 * dag_reset_open.c. */
#include "engine/dag_priv.h"

#include <string.h>

enum mark {
    MARK_NONE,
    MARK_ITEMS, /* the items that did not succeed; what made the list stands */
    MARK_ALL
};

struct marks {
    const struct run *run;
    struct dag *d;
    uint8_t *of; /* enum mark by task */
    struct {
        uint32_t *items;
        size_t n, cap;
    } roots;
};

static void mark(struct marks *m, uint32_t task, enum mark how)
{
    if (m->of[task] == MARK_NONE)
        ARRAY_ADD(&m->roots, task);
    if (m->of[task] < how)
        m->of[task] = (uint8_t)how;
}

/* What stands behind is marked as a whole: what it needs may give other outputs. */
static void mark_followers(struct marks *m)
{
    for (size_t i = 0; i < m->roots.n; i++) {
        const struct flow_task *t = &m->d->flow->tasks[m->roots.items[i]];

        for (uint32_t k = 0; k < t->n_needed_by; k++)
            mark(m, t->needed_by[k], MARK_ALL);
    }
}

static void mark_failed(struct marks *m)
{
    const struct dag *d = m->d;

    for (uint32_t i = 0; i < d->flow->n_main; i++) {
        const struct dag_task *t = &d->tasks[i];

        if (dag_failed(d, i) || t->unit.state == TASK_CANCELLED)
            mark(m, i, t->items ? MARK_ITEMS : MARK_ALL);
    }
}

/* Has the compensation begun, since the run did the last time? */
static bool has_begun(const struct run *r, int64_t node)
{
    return dag_unit(dag_of(r), node)->attempt > dag_base(r, node);
}

static bool any_has_begun(const struct run *r, uint32_t task)
{
    const struct items *items = dag_of(r)->tasks[task].items;

    for (uint32_t i = 0; items && i < items->n; i++)
        if (has_begun(r, NODE_OF(task, i)))
            return true;
    return false;
}

/* What was undone, or only half so, has to be done again, whatever is asked for. */
static void mark_undone(struct marks *m)
{
    const struct flow *f = m->d->flow;
    const uint32_t first = f->part_first[FLOW_COMPENSATE];

    for (uint32_t i = first; i < first + f->part_count[FLOW_COMPENSATE]; i++) {
        const uint32_t of = f->tasks[i].work->undo->of;

        if (has_begun(m->run, NODE_OF(i, -1)))
            mark(m, of, MARK_ALL);
        if (any_has_begun(m->run, i))
            mark(m, of, MARK_ITEMS);
    }
}

/* By the words of engine.h; a request that nobody understands changes nothing. */
static void mark_asked(struct marks *m, struct span reset)
{
    const struct flow *f = m->d->flow;
    struct ff_err err;
    json_t *asked = json_parse(reset.s, reset.len, &err);
    const char *what = json_string_value(json_object_get(asked, "what"));
    const char *name = json_string_value(json_object_get(asked, "task"));
    const int64_t task = name ? flow_task_index(f, name) : -1;

    if (what && strcmp(what, "failed") == 0)
        mark_failed(m);
    if (what && strcmp(what, "all") == 0)
        for (uint32_t i = 0; i < f->n_main; i++)
            mark(m, i, MARK_ALL);
    if (task >= 0)
        mark(m, (uint32_t)task, MARK_ALL);
    const bool open = json_is_true(json_object_get(asked, "open"));
    json_decref(asked);
    mark_undone(m);
    mark_followers(m);
    /* Of one that is open they have not begun. */
    for (uint32_t i = f->n_main; i < f->n_tasks && !open; i++)
        m->of[i] = MARK_ALL;
}

bool dag_reset_is_open(const struct run *r)
{
    struct ff_err err;
    json_t *asked = json_parse(r->row.reset.s, r->row.reset.len, &err);
    const bool open = json_is_true(json_object_get(asked, "open"));

    json_decref(asked);
    return open;
}

void dag_reset_marks(const struct run *r, struct span reset, uint8_t *of)
{
    struct marks m = {.run = r, .d = r->state, .of = of};

    memset(of, MARK_NONE, m.d->flow->n_tasks);
    mark_asked(&m, reset);
    ARRAY_DONE(&m.roots);
}

#define RESET_COLUMNS                                                                  \
    (COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |                          \
     COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |                    \
     COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_OUTPUTS) |                     \
     COLUMN_BIT(COL_TASK_ITEMS) | COLUMN_BIT(COL_TASK_DUE_AT) |                        \
     COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_FINISHED_AT) |              \
     COLUMN_BIT(COL_TASK_ATTEMPT_BASE) | COLUMN_BIT(COL_TASK_ITERATION) |              \
     COLUMN_BIT(COL_TASK_DEADLINE_AT) | COLUMN_BIT(COL_TASK_QUEUED_AT))

/* was: the state that it leaves. */
static void write_event(struct run *r, struct step *s, int64_t node,
                        const struct unit *u, uint8_t was)
{
    struct jsonw w = dag_event(r, s, "task.reset", node, u);

    jsonw_key(&w, "was");
    jsonw_text(&w, task_state_names[was]);
    step_event_end(s, &w);
}

/* One without a row did not; nor one whose row says no more than when its time is over.
 * Between two iterations its attempts are counted anew, and it did. */
static bool never_began(const struct run *r, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    return u->version == 0 || u->state == TASK_WAITING ||
           (u->state == TASK_QUEUED && !has_begun(r, node) &&
            dag_iteration(r, node) == 1 && dag_deadline(r, node) != MODEL_NULL);
}

void dag_reset_unit(struct run *r, struct step *s, int64_t node)
{
    struct dag *d = dag_of(r);
    struct unit *u = dag_unit(d, node);
    const uint8_t was = u->state;

    if (never_began(r, node)) {
        u->state = TASK_WAITING;
        u->flags = 0;
        dag_total_reset(r, s, node, true);
        return;
    }
    dag_total_reset(r, s, node, false);
    json_decref(u->outputs);
    u->outputs = NULL;
    u->state = TASK_WAITING;
    u->flags = 0;
    u->lost = 0;
    u->exit_code = -1;
    map_del(&d->iterations, node); /* a loop begins with its first iteration again */
    if (NODE_ITEM(node) < 0)
        d->tasks[NODE_TASK(node)].ready_at = s->now_us;
    struct task_row row = dag_row_of(r, node, u);
    row.iteration = MODEL_NULL;
    if (u->attempt > 0) {
        row.attempt_base = u->attempt;
        map_set(&d->bases, node, (void *)(uintptr_t)u->attempt);
    }
    dag_write_unit(s, &row, u, RESET_COLUMNS);
    write_event(r, s, node, u, was);
}

static void forget_items(struct run *r, struct step *s, uint32_t task)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[task];

    for (uint32_t i = 0; t->items && i < t->items->n; i++) {
        struct unit *u = &t->items->units[i];

        dag_reset_unit(r, s, NODE_OF(task, i));
        if (u->version > 0)
            map_set(&d->kept, NODE_OF(task, i), dag_kept(u->version, u->attempt));
    }
    dag_items_free(t->items);
    t->items = NULL;
}

static void reset_task(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];

    forget_items(r, s, task);
    dag_reset_unit(r, s, NODE_OF(task, -1));
    dag_note_message(r, NODE_OF(task, -1), (struct span){0});
    t->ended_at = 0;
}

/* The task goes on with its list; false when that can no longer be made. */
static bool reset_items(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];
    struct items *items = t->items;
    struct ff_err err;
    json_t *list = dag_foreach_list(r, task, t->ready_at, &err);

    if (!list || json_array_size(list) != items->n) {
        json_decref(list);
        return false;
    }
    json_decref(items->list);
    json_decref(items->gathered);
    items->list = list;
    items->gathered = NULL;
    items->failed = items->cancelled = items->next = items->final = 0;
    items->stopping = false;
    for (uint32_t i = 0; i < items->n; i++) {
        if (items->units[i].state != TASK_SUCCEEDED)
            dag_reset_unit(r, s, NODE_OF(task, i));
        items->final += items->units[i].state == TASK_SUCCEEDED;
    }
    dag_note_message(r, NODE_OF(task, -1), (struct span){0});
    t->ended_at = 0;
    const uint8_t was = t->unit.state;
    t->unit.state = TASK_RUNNING;
    struct task_row row = dag_row_of(r, NODE_OF(task, -1), &t->unit);
    row.items = items->wanted;
    row.started_at = items->begun_at = s->now_us;
    dag_write_unit(s, &row, &t->unit, RESET_COLUMNS);
    write_event(r, s, NODE_OF(task, -1), &t->unit, was);
    return true;
}

/* Of the tasks that go on with their lists. */
static void reset_undone_items(struct run *r, struct step *s, const uint8_t *marks)
{
    const struct flow *f = flow_of(r);
    const uint32_t first = f->part_first[FLOW_COMPENSATE];

    for (uint32_t i = first; i < first + f->part_count[FLOW_COMPENSATE]; i++) {
        const struct items *items = dag_of(r)->tasks[i].items;
        const uint32_t of = f->tasks[i].work->undo->of;

        for (uint32_t k = 0; items && marks[of] == MARK_ITEMS && k < items->n; k++)
            if (has_begun(r, NODE_OF(i, k)))
                dag_reset_unit(r, s, NODE_OF(of, k));
    }
}

void dag_reset_tasks(struct run *r, struct step *s, const uint8_t *marks)
{
    struct dag *d = dag_of(r);

    reset_undone_items(r, s, marks);
    for (uint32_t i = 0; i < d->flow->n_tasks; i++) {
        if (marks[i] == MARK_ITEMS && reset_items(r, s, i))
            continue;
        if (marks[i] != MARK_NONE)
            reset_task(r, s, i);
    }
    dag_count_waiting(d);
    dag_find_phase(r);
}

int64_t dag_base(const struct run *r, int64_t node)
{
    const struct dag *d = r->state;

    return d->bases.n > 0 ? (int64_t)(uintptr_t)map_get(&d->bases, node) : 0;
}

void dag_items_kept(struct dag *d, uint32_t task)
{
    struct items *items = d->tasks[task].items;

    for (uint32_t i = 0; d->kept.n > 0 && i < items->n; i++) {
        const uintptr_t kept = (uintptr_t)map_del(&d->kept, NODE_OF(task, i));

        items->units[i].version = (uint32_t)(kept >> 16);
        items->units[i].attempt = (uint16_t)(kept & UINT16_MAX);
    }
}
