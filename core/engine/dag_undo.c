/* dag_undo.c - compensations: when the run did not succeed, what its tasks did is
 * undone, one after the other in the reverse order of their ends; of a list each item
 * that succeeded, in the order of all ends. Which are due, and in what order, follows
 * from the rows of the tasks; how far it has come, from the rows of the compensations.
 * That of a list has an item for each item of the list, by the same index: only those
 * that are due ever have a row. */
#include "engine/dag_priv.h"

#include <stdlib.h>

static const struct flow_undo *undo_of(const struct dag *d, uint32_t task)
{
    return d->flow->tasks[task].work->undo;
}

/* --- which --- */

/* The node of the task, or item, that this one undoes. */
static int64_t undone_by(const struct dag *d, int64_t node)
{
    return NODE_OF(undo_of(d, (uint32_t)NODE_TASK(node))->of, NODE_ITEM(node));
}

/* One whose outputs came from the cache did nothing in this run. */
static bool is_due(const struct run *r, int64_t node)
{
    struct dag *d = dag_of(r);
    const int64_t of = undone_by(d, node);
    const struct unit *u = dag_unit(d, of);

    return u->state == TASK_SUCCEEDED && u->attempt > dag_base(r, of);
}

/* How many nodes of a compensation there may be, and the first one's item. */
static int64_t count_nodes(const struct dag *d, uint32_t task, int64_t *first_item)
{
    const struct items *items = d->tasks[undo_of(d, task)->of].items;

    *first_item = d->flow->tasks[task].work->foreach ? 0 : -1;
    if (*first_item < 0)
        return 1;
    return items ? items->n : 0; /* none: it was skipped */
}

bool dag_undo_due(const struct run *r, uint32_t task)
{
    int64_t first;
    const int64_t n = count_nodes(r->state, task, &first);

    for (int64_t i = first; i < first + n; i++)
        if (is_due(r, NODE_OF(task, i)))
            return true;
    return false;
}

uint32_t dag_undos_left(const struct run *r)
{
    const struct dag *d = r->state;
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];
    uint32_t left = 0;

    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++)
        left += !task_state_final(d->tasks[i].unit.state) && dag_undo_due(r, i);
    return left;
}

/* --- in what order --- */

static int64_t end_of(const struct dag *d, int64_t node)
{
    const struct dag_task *t = &d->tasks[NODE_TASK(node)];

    return NODE_ITEM(node) < 0 ? t->ended_at : t->items->ended[NODE_ITEM(node)];
}

/* Those that ended in one step have the same time: then by the needs of the tasks, and
 * of items by their place. */
static int later_first(const void *a, const void *b, void *arg)
{
    const struct dag *d = arg;
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    const int64_t end_x = end_of(d, undone_by(d, x));
    const int64_t end_y = end_of(d, undone_by(d, y));
    const uint32_t rank_x = undo_of(d, (uint32_t)NODE_TASK(x))->rank;
    const uint32_t rank_y = undo_of(d, (uint32_t)NODE_TASK(y))->rank;

    if (end_x != end_y)
        return end_x < end_y ? 1 : -1;
    if (rank_x != rank_y)
        return rank_x < rank_y ? 1 : -1;
    return (x < y) - (x > y);
}

static void add_due(struct run *r, uint32_t task)
{
    struct dag *d = dag_of(r);
    int64_t first;
    const int64_t n = count_nodes(d, task, &first);

    for (int64_t i = first; i < first + n; i++) {
        const int64_t node = NODE_OF(task, i);
        if (is_due(r, node))
            ARRAY_ADD(&d->undos, node);
    }
}

static void sort_undos(struct run *r)
{
    struct dag *d = dag_of(r);
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];

    d->undos.n = d->undos.next = 0;
    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++)
        add_due(r, i);
    qsort_r(d->undos.items, d->undos.n, sizeof(*d->undos.items), later_first, d);
}

/* --- items --- */

static uint32_t count_due(const struct run *r, uint32_t task)
{
    int64_t first;
    const int64_t n = count_nodes(r->state, task, &first);
    uint32_t due = 0;

    for (int64_t i = first; i < first + n; i++)
        due += is_due(r, NODE_OF(task, i));
    return due;
}

static void make_items(struct dag *d, uint32_t task, uint32_t wanted)
{
    const struct items *of = d->tasks[undo_of(d, task)->of].items;

    d->tasks[task].items = dag_items_new(d, task, of->n);
    d->tasks[task].items->wanted = wanted;
}

/* They see what the items saw that they undo. */
static void share_list(struct dag *d, uint32_t task)
{
    const struct items *of = d->tasks[undo_of(d, task)->of].items;

    d->tasks[task].items->list = json_incref(of->list);
}

int dag_undo_items(struct run *r, uint32_t task, int64_t wanted, struct ff_err *err)
{
    struct dag *d = dag_of(r);
    const struct items *of = d->tasks[undo_of(d, task)->of].items;

    if (!of || wanted > (int64_t)of->n)
        return ff_fail(err, FF_CORRUPT, 0, "%s undoes items that there are not",
                       d->flow->tasks[task].name);
    make_items(d, task, (uint32_t)wanted);
    return FF_OK;
}

int dag_undo_loaded(struct run *r, uint32_t task, struct ff_err *err)
{
    struct dag *d = dag_of(r);
    const uint32_t due = count_due(r, task);
    const uint32_t wanted = d->tasks[task].items->wanted;

    if (due != wanted)
        return ff_fail(err, FF_CORRUPT, 0, "%s undoes %u items, began with %u",
                       d->flow->tasks[task].name, due, wanted);
    if (dag_items_list(r, undo_of(d, task)->of, err) != FF_OK)
        return err->code;
    share_list(d, task);
    return FF_OK;
}

/* False: there is no list any more, and it has failed. */
static bool expand(struct run *r, struct step *s, uint32_t task)
{
    struct dag *d = dag_of(r);
    struct ff_err err = {0};

    if (d->tasks[task].items)
        return true;
    if (dag_items_list(r, undo_of(d, task)->of, &err) != FF_OK) {
        dag_end_unit(r, s, NODE_OF(task, -1), TASK_FAILED, "expression", err.msg);
        return false;
    }
    make_items(d, task, count_due(r, task));
    share_list(d, task);
    dag_items_kept(d, task);
    dag_put_expanded(r, s, task);
    return true;
}

/* --- one after the other --- */

static void begin(struct run *r, struct step *s, int64_t node, int64_t ready_at)
{
    const uint32_t task = (uint32_t)NODE_TASK(node);
    struct dag_task *t = &dag_of(r)->tasks[task];

    if (NODE_ITEM(node) < 0) {
        dag_task_ready(r, s, task, ready_at);
        return;
    }
    t->ready_at = ready_at; /* each waits from when it is its turn */
    if (!expand(r, s, task))
        return;
    t->items->active++;
    dag_want(r, s, node, 1);
}

static uint8_t state_of(struct dag *d, int64_t node)
{
    const uint8_t whole = d->tasks[NODE_TASK(node)].unit.state;
    const struct unit *u = dag_unit(d, node);

    return u && !task_state_final(whole) ? u->state : whole;
}

/* The first that is not over is either under way or the next. */
void dag_undo_next(struct run *r, struct step *s, int64_t ready_at)
{
    struct dag *d = dag_of(r);

    while (d->undos.next < d->undos.n) {
        const int64_t node = d->undos.items[d->undos.next];

        if (state_of(d, node) == TASK_WAITING)
            begin(r, s, node, ready_at);
        if (!task_state_final(state_of(d, node)))
            return;
        d->undos.next++;
    }
}

/* No other one of the list is under way: they go one by one. */
void dag_undo_item_final(struct run *r, struct step *s, uint32_t task)
{
    const struct items *items = dag_of(r)->tasks[task].items;

    if (items->stopping || items->final == items->wanted)
        dag_end_expanded(r, s, task);
    else
        dag_undo_next(r, s, s->now_us);
}

bool dag_undo_begin(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    const uint32_t left = dag_undos_left(r);

    if (left == 0 || dag_main_result(r) == RUN_SUCCEEDED)
        return false;
    d->phase = PHASE_COMPENSATE;
    d->part = FLOW_COMPENSATE;
    d->left = left;
    sort_undos(r);
    dag_undo_next(r, s, s->now_us);
    return true;
}

/* since: the last end of a task. */
static int64_t last_end(const struct dag *d, int64_t since)
{
    for (size_t i = 0; i < d->undos.n; i++) {
        const int64_t node = d->undos.items[i];
        const struct dag_task *t = &d->tasks[NODE_TASK(node)];

        if (t->items && end_of(d, node) > since)
            since = end_of(d, node);
    }
    return since;
}

void dag_undo_resume(struct run *r, struct step *s, int64_t ready_at)
{
    const struct dag *d = r->state;
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];

    sort_undos(r);
    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++)
        if (d->tasks[i].items && d->tasks[i].items->stopping)
            dag_stop_items(r, s, i, (enum cancel_mode)r->row.cancel);
    dag_undo_next(r, s, last_end(d, ready_at));
}

/* "; the compensation of book failed: no such flight" */
void dag_undo_message(const struct run *r, struct buf *out)
{
    const struct dag *d = r->state;
    const uint32_t first = d->flow->part_first[FLOW_COMPENSATE];
    uint32_t bad = 0;

    for (uint32_t i = first; i < first + d->flow->part_count[FLOW_COMPENSATE]; i++) {
        const struct dag_task *t = &d->tasks[i];
        if (t->unit.state != TASK_FAILED && t->unit.state != TASK_CANCELLED)
            continue;
        if (bad++ > 0)
            continue;
        buf_printf(out, "%sthe compensation of %s %s%s%.100s", out->len > 0 ? "; " : "",
                   d->flow->tasks[undo_of(d, i)->of].name,
                   t->unit.state == TASK_FAILED ? "failed" : "was cancelled",
                   t->message ? ": " : "", t->message ? t->message : "");
    }
    if (bad > 1)
        buf_printf(out, ", and %u more", bad - 1);
}
