/* dag_ready.c - what may run next: when a task's needs are met, whether it runs at
 * all, and how a foreach becomes items. */
#include "engine/dag_kind.h"

#include <string.h>

/* --- what follows a task that became final --- */

static void tell_followers(struct run *r, struct step *s, uint32_t task)
{
    struct dag *d = dag_of(r);
    const struct flow_task *t = &d->flow->tasks[task];

    for (uint32_t i = 0; i < t->n_needed_by; i++) {
        const uint32_t next = t->needed_by[i];
        if (--d->tasks[next].unit.waiting == 0 &&
            d->tasks[next].unit.state == TASK_WAITING)
            dag_task_ready(r, s, next, s->now_us);
    }
}

/* A list and not a recursion: a chain of 100,000 tasks that are all skipped must
 * not need 100,000 stack frames. */
void dag_settle(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);

    for (size_t i = 0; i < d->settled.n; i++) {
        const uint32_t task = d->settled.items[i];
        d->tasks[task].ended_at = s->now_us;
        tell_followers(r, s, task);
        if (--d->left == 0)
            dag_phase_done(r, s);
        else if (d->phase == PHASE_COMPENSATE)
            dag_undo_next(r, s, s->now_us);
    }
    d->settled.n = 0;
}

/* --- may it run? --- */

static void end_task(struct run *r, struct step *s, uint32_t task,
                     enum task_state state, const char *reason, const char *message)
{
    dag_end_unit(r, s, NODE_OF(task, -1), state, reason, message);
}

/* FF_OK with *go, or a code with a sentence. */
static int condition(struct run *r, uint32_t task, int64_t now_us, bool *go,
                     struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[task];
    struct ff_err why = {.code = FF_OK};
    struct dag_scope sc;

    *go = true;
    if (!t->work->condition)
        return FF_OK;
    dag_scope_init(&sc, r, t, -1, 0, now_us);
    const int code = dag_truth(&sc, t->work->condition, go, &why);
    dag_scope_done(&sc);
    return code == FF_OK ? code : ff_fail(err, code, 0, "if: %.190s", why.msg);
}

/* --- foreach --- */

/* A list may be made by the expression itself (range(n)): room for FLOW_MAX_ITEMS. */
#define LIST_MAX_STEPS (4 * (uint64_t)FLOW_MAX_ITEMS)
#define LIST_MAX_BYTES (64u << 20)

struct items *dag_items_new(const struct dag *d, uint32_t task, uint32_t n)
{
    const struct flow_task *t = &d->flow->tasks[task];
    struct items *items =
        mem_alloc(sizeof(struct items) + (size_t)n * sizeof(struct unit));

    items->n = items->wanted = n;
    if (t->work->compensated || t->part == FLOW_COMPENSATE)
        items->ended = mem_array(n, sizeof(*items->ended));
    for (uint32_t i = 0; i < n; i++)
        items->units[i].exit_code = -1;
    return items;
}

void dag_items_free(struct items *items)
{
    if (!items)
        return;
    for (uint32_t i = 0; i < items->n; i++)
        json_decref(items->units[i].outputs);
    json_decref(items->list);
    json_decref(items->gathered);
    mem_free(items->ended);
    mem_free(items);
}

/* {key, value} for each entry, in the order of the map. Takes the map over. */
static json_t *map_items(json_t *map)
{
    json_t *list = json_array();

    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at))
        json_array_append_new(list,
                              json_pack("{s:s#, s:O}", "key", json_object_iter_key(at),
                                        json_object_iter_key_len(at), "value",
                                        json_object_iter_value(at)));
    json_decref(map);
    return list;
}

json_t *dag_foreach_list(struct run *r, uint32_t task, int64_t now_us,
                         struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[task];
    struct dag_scope sc;

    dag_scope_init(&sc, r, t, -1, 0, now_us);
    sc.is_list = true;
    sc.scope.max_steps = LIST_MAX_STEPS;
    sc.scope.max_bytes = LIST_MAX_BYTES;
    json_t *list = dag_eval(&sc, t->work->foreach, err);
    dag_scope_done(&sc);
    if (!list)
        return NULL;
    if (t->work->matrix)
        list = dag_matrix_items(list, err);
    else if (json_typeof(list) == JSON_OBJECT)
        list = map_items(list);
    if (!list)
        return NULL;
    if (json_typeof(list) != JSON_ARRAY) {
        ff_fail(err, FF_INVALID, 0, "foreach: gives no list");
    } else if (json_array_size(list) > FLOW_MAX_ITEMS) {
        ff_fail(err, FF_INVALID, 0, "foreach: %zu items, at most %d are allowed",
                json_array_size(list), FLOW_MAX_ITEMS);
    } else {
        return list;
    }
    json_decref(list);
    return NULL;
}

int dag_items_list(struct run *r, uint32_t task, struct ff_err *err)
{
    struct dag_task *t = &dag_of(r)->tasks[task];

    if (t->items->list)
        return FF_OK;
    json_t *list = dag_foreach_list(r, task, t->ready_at, err);
    if (!list)
        return err->code;
    if (json_array_size(list) == t->items->n) {
        t->items->list = list;
        return FF_OK;
    }
    ff_fail(err, FF_CORRUPT, 0, "foreach of %s gives %zu items, had %u",
            flow_of(r)->tasks[task].name, json_array_size(list), t->items->n);
    json_decref(list);
    return err->code;
}

static void expand(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];
    struct ff_err err = {0};
    json_t *list = dag_foreach_list(r, task, t->ready_at, &err);

    if (!list) {
        end_task(r, s, task, TASK_FAILED, "expression", err.msg);
        return;
    }
    t->items = dag_items_new(dag_of(r), task, (uint32_t)json_array_size(list));
    t->items->list = list;
    dag_items_kept(dag_of(r), task);
    dag_put_expanded(r, s, task);
    dag_more_items(r, s, task);
}

/* As many as may be active at once. Items that have a row already (after a restart) are
 * stepped over; the rest goes out in ranges. Such as may end at once go one by one, so
 * that the first that fails can stop those behind it. */
static void begin_items(struct run *r, struct step *s, uint32_t task)
{
    struct items *items = dag_of(r)->tasks[task].items;
    const int64_t limit = flow_of(r)->tasks[task].work->max_parallel;
    const bool may_end =
        dag_kind_of(r, NODE_OF(task, 0)) || flow_of(r)->tasks[task].policy->cache;
    const uint32_t most = may_end ? 1 : UINT32_MAX;

    while (!items->stopping && items->next < items->n) {
        uint32_t room = limit > 0 ? (uint32_t)limit - items->active : UINT32_MAX;
        if (limit > 0 && items->active >= (uint64_t)limit)
            return;
        if (room > most)
            room = most;
        const uint32_t first = items->next;
        while (items->next < items->n && room > 0 &&
               items->units[items->next].state == TASK_WAITING) {
            items->next++;
            room--;
        }
        const uint32_t n = items->next - first;
        if (n == 0) {
            items->next++;
            continue;
        }
        items->active += n;
        dag_want(r, s, NODE_OF(task, first), n);
    }
}

/* A loop and not a recursion, where each item ends before the next one begins. */
void dag_more_items(struct run *r, struct step *s, uint32_t task)
{
    struct items *items = dag_of(r)->tasks[task].items;

    if (items->beginning || dag_is_resetting(dag_of(r), NODE_OF(task, -1)))
        return;
    items->beginning = true;
    begin_items(r, s, task);
    items->beginning = false;
    if (items->active == 0)
        dag_end_expanded(r, s, task);
}

void dag_stop_items(struct run *r, struct step *s, uint32_t task, enum cancel_mode mode)
{
    struct items *items = dag_of(r)->tasks[task].items;
    const bool first_time = !items->stopping;

    items->stopping = true;
    for (uint32_t i = 0; i < items->n; i++) {
        const struct unit *u = &items->units[i];
        const int64_t node = NODE_OF(task, i);
        if (u->state == TASK_RUNNING)
            dag_stop_unit(r, s, node, mode);
        else if (first_time && (u->state == TASK_QUEUED || u->state == TASK_RETRYING ||
                                u->state == TASK_SUSPENDED))
            dag_end_unit(r, s, node, TASK_CANCELLED, "cancelled", NULL);
    }
    /* Items that were to begin again have not, and none is there to end it. */
    if (first_time && items->active == 0 && !items->beginning &&
        !task_state_final(dag_of(r)->tasks[task].unit.state))
        dag_end_expanded(r, s, task);
}

void dag_item_final(struct run *r, struct step *s, uint32_t task, const struct unit *u)
{
    struct dag_task *t = &dag_of(r)->tasks[task];
    struct items *items = t->items;

    items->active--;
    items->final++;
    items->failed += u->state == TASK_FAILED;
    items->cancelled += u->state == TASK_CANCELLED;
    if (items->ended)
        items->ended[u - items->units] = s->now_us;
    if (flow_of(r)->tasks[task].part == FLOW_COMPENSATE) {
        dag_undo_item_final(r, s, task);
        return;
    }
    if (u->state == TASK_FAILED && flow_of(r)->tasks[task].work->fail_fast)
        dag_stop_items(r, s, task, CANCEL_GRACEFUL);
    if (task_state_final(t->unit.state))
        return; /* ended from inside dag_stop_items */
    dag_more_items(r, s, task);
}

/* --- the decision --- */

void dag_task_ready(struct run *r, struct step *s, uint32_t task, int64_t ready_at)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[task];
    const struct flow_task *ft = &d->flow->tasks[task];
    struct ff_err err = {0};
    bool go;

    if (dag_is_resetting(d, NODE_OF(task, -1)))
        return;
    t->ready_at = ready_at;
    const char *reason = dag_needs_reason(d, ft);
    if (reason) {
        if (strcmp(reason, DAG_UPSTREAM_FAILED) == 0)
            t->unit.flags |= UNIT_BLOCKED;
        end_task(r, s, task, TASK_SKIPPED, reason, NULL);
        return;
    }
    if (condition(r, task, ready_at, &go, &err) != FF_OK) {
        end_task(r, s, task, TASK_FAILED, "expression", err.msg);
        return;
    }
    if (!go)
        end_task(r, s, task, TASK_SKIPPED, "if_false", NULL);
    else if (ft->work->foreach)
        expand(r, s, task);
    else
        dag_want(r, s, NODE_OF(task, -1), 1);
}
