/* load.c - runs from the store into memory. A lane reads and builds; the loop thread
 * takes over what is finished, so no run is ever touched by two threads. */
#include "control/control_priv.h"

#include <string.h>

/* --- plans --- */

#define PLANS_MAX 64 /* kept for the next run of the same file */

/* Parsing takes some fifteen times the text, of which the plan keeps two. */
#define LARGE_SOURCE ((size_t)1 << 20)

static void forget_plans(struct map *plans)
{
    void *value;

    for (size_t i = 0; map_next(plans, &i, &value);)
        plan_unref(value);
    map_done(plans);
    *plans = (struct map){0};
}

/* --- one run --- */

struct load {
    struct control *control;
    struct tenant tenant;
    int64_t no;
    struct run *run; /* the result */
    struct run_names names;
    bool gone;            /* final meanwhile, or deleted */
    struct run_row ended; /* of one that is final: whose task it was, no more */
    bool large;           /* a large plan was parsed for it */
    int code;
    struct ff_err err;
    struct set_aside aside; /* when it is hopeless */
    struct loaded_slots slots;
    struct loaded_signals signals;
    bool may_hold; /* places of limits and signals: not when it is new */
    int64_t root; /* whose signals it may have been taking; 0: it was not here before */
};

struct run_copy {
    struct run_row row;
    struct arena *arena;
};

static int copy_run(void *arg, const void *row)
{
    struct run_copy *copy = arg;

    copy->row = *(const struct run_row *)row;
    store_own_row(&record_run, &copy->row, copy->arena);
    return 1;
}

struct task_loader {
    struct load *load;
    int code;
};

static int load_task(void *arg, const void *row)
{
    struct task_loader *tl = arg;
    struct load *ld = tl->load;
    const struct task_row *task = row;
    const struct control_setup *setup = &ld->control->setup;
    json_t *outputs = NULL;
    char id[ID_TEXT];

    if (task->outputs.s) {
        snprintf(id, sizeof(id), "%.*s", (int)ld->run->row.id.len, ld->run->row.id.s);
        outputs = setup->resolve
                      ? setup->resolve(setup->resolve_arg, id, task->outputs, &ld->err)
                      : json_parse(task->outputs.s, task->outputs.len, &ld->err);
        if (!outputs) {
            tl->code = ld->err.code;
            return 1;
        }
    }
    tl->code = ld->run->kind->load_task(ld->run, task, outputs, &ld->err);
    json_decref(outputs);
    return tl->code != FF_OK;
}

static int load_tasks(struct load *ld)
{
    struct store *s = ld->control->setup.store;
    const struct task_row like = {.tenant = ld->tenant.no, .run = ld->no};
    struct task_loader tl = {.load = ld};
    int64_t seq = 0;
    int code = store_scan(
        s, STORE_READER_LANE,
        &(struct store_query){.record = &record_task, .like = &like, .n_equal = 2},
        load_task, &tl, &ld->err);

    if (code == FF_OK)
        code = tl.code;
    if (code == FF_OK)
        code = store_last_seq(s, STORE_READER_LANE, ld->tenant, ld->no, &seq, &ld->err);
    if (code == FF_OK)
        code = ld->run->kind->loaded(ld->run, &ld->err);
    ld->run->next_seq = seq + 1;
    if (code == FF_OK && ld->may_hold)
        code =
            control_limits_read(ld->control, ld->tenant, ld->no, &ld->slots, &ld->err);
    if (code == FF_OK && ld->may_hold && ld->root == 0 && !run_is_child(&ld->run->row))
        code =
            control_kept_read(ld->control, ld->tenant, ld->no, &ld->signals, &ld->err);
    return code;
}

static struct plan *parse_plan(struct load *ld, const struct run_row *row,
                               struct arena *arena)
{
    struct workflow_row workflow = {0};
    char kind[32];

    if (store_workflow(ld->control->setup.store, STORE_READER_LANE, ld->tenant,
                       row->hash, arena, &workflow, &ld->err) != FF_OK)
        return NULL;
    snprintf(kind, sizeof(kind), "%.*s", (int)row->kind.len, row->kind.s);
    const struct engine_kind *k = engine_kind_find(kind);
    ld->large = workflow.source.len >= LARGE_SOURCE;
    if (k)
        return plan_new(k, workflow.source.s, workflow.source.len, row->entry,
                        &ld->err);
    ff_fail(&ld->err, FF_UNSUPPORTED, 0, "runs of kind %s are unknown here", kind);
    return NULL;
}

/* Plans are kept by their hash and what of it they are: a thousand runs of one file
 * parse it once. */
static struct plan *plan_for(struct load *ld, const struct run_row *row,
                             struct arena *arena)
{
    struct map *plans = &ld->control->plans;
    struct buf name = {0};

    buf_add(&name, row->hash.s, row->hash.len);
    if (row->entry.s) {
        buf_add_char(&name, ' ');
        buf_add(&name, row->entry.s, row->entry.len);
    }
    const char *key = arena_text(arena, buf_text(&name), name.len);
    buf_done(&name);
    struct plan *plan = map_get_text(plans, key);
    if (plan)
        return plan;
    plan = parse_plan(ld, row, arena);
    if (!plan)
        return NULL;
    if (plans->n >= PLANS_MAX)
        forget_plans(plans);
    map_set_text(plans, key, plan);
    return plan;
}

static int load_run(struct load *ld, struct arena *arena)
{
    const struct run_row like = {.tenant = ld->tenant.no, .run = ld->no};
    struct run_copy copy = {.arena = arena};
    int code =
        store_scan(ld->control->setup.store, STORE_READER_LANE,
                   &(struct store_query){
                       .record = &record_run, .like = &like, .n_equal = 2, .limit = 1},
                   copy_run, &copy, &ld->err);

    if (code != FF_OK)
        return code;
    if (copy.row.run == 0 || run_state_final(copy.row.state)) {
        ld->ended = (struct run_row){.parent_run = copy.row.parent_run,
                                     .parent_node = copy.row.parent_node,
                                     .parent_attempt = copy.row.parent_attempt};
        ld->gone = true;
        return FF_OK;
    }
    struct plan *plan = plan_for(ld, &copy.row, arena);
    if (!plan)
        return ld->err.code;
    code = control_open_row(ld->control, &copy.row, arena, &ld->err);
    if (code != FF_OK)
        return code;
    code = control_names_read(ld->control, &copy.row, &ld->names, &ld->err);
    if (code != FF_OK)
        return code;
    ld->run = engine_run_new(plan, &copy.row, ld->control->setup.shard, &ld->err);
    return ld->run ? load_tasks(ld) : ld->err.code;
}

/* Only what will be as wrong the next time sets a run aside. */
static bool is_hopeless(int code)
{
    return code == FF_CORRUPT || code == FF_INVALID || code == FF_UNSUPPORTED ||
           code == FF_NOT_FOUND;
}

static void load_on_lane(void *arg)
{
    struct load *ld = arg;
    struct arena arena = {0};

    /* One that was here before may or may not have taken some. */
    if (ld->root > 0)
        ld->code = control_kept_read(ld->control, ld->tenant, ld->root, &ld->signals,
                                     &ld->err);
    if (ld->code == FF_OK)
        ld->code = load_run(ld, &arena);
    if (is_hopeless(ld->code))
        control_read_left(ld->control, ld->tenant, ld->no, &ld->aside);
    arena_done(&arena);
    if (ld->large)
        mem_give_back();
}

static void retry_load(void *arg)
{
    struct control *c = arg;
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);) {
        struct live *l = value;
        if (!l->run && !l->loading)
            control_load(l);
    }
}

void control_load_later(struct control *c)
{
    if (!c->reload && !c->draining)
        loop_timer_add(c->setup.loop, RETRY_US, retry_load, c, &c->reload);
}

/* Also when it failed: one run that cannot be read must not stop the others. */
static void first_load_over(struct live *l)
{
    l->control->n_first -= l->first;
    l->first = false;
}

static void return_slots(struct live *l)
{
    for (; l->granted > 0; l->granted--)
        sched_return_slot(l->sched);
}

static void load_failed(struct live *l, struct load *ld)
{
    struct control *c = l->control;

    if (is_hopeless(ld->code)) {
        control_quarantine(l, &ld->aside, &ld->err);
    } else if (ld->code == FF_FATAL) {
        control_fatal(c, &ld->err);
    } else {
        log_warn("run %lld cannot be loaded yet: %s", (long long)l->no, ld->err.msg);
        control_load_later(c);
    }
}

/* Who waits to begin asks again when it is loaded; what the last answer gave it was
 * given back with that. */
static void queue_rest(struct live *l, struct queued_list *rest)
{
    for (size_t i = 0; i < rest->n; i++) {
        if (rest->items[i].in.type == INPUT_ADMIT)
            control_queued_done(&rest->items[i], FF_CANCELLED);
        else
            control_queue(l, &rest->items[i]);
    }
    ARRAY_DONE(rest);
}

/* A commit in doubt may have ended it after all, and then nobody has told the run
 * around it, which would wait for ever. */
static void forget_gone(struct live *l, const struct run_row *ended)
{
    struct control *c = l->control;

    control_tell_parent(c, ended);
    control_refuse_inputs(l);
    map_del(&c->lives, l->no);
    control_live_free(l);
    if (c->setup.listener.gone)
        c->setup.listener.gone(c->setup.listener.arg);
}

void control_loaded(struct live *l, const struct loaded_slots *slots)
{
    const struct queued q = {.in = {.type = INPUT_RESUME}};

    return_slots(l); /* it takes them again as it adopts */
    sched_run_project(l->sched, l->run->row.project);
    control_limits_loaded(l, slots);
    control_queue(l, &q);
}

static void load_done(void *arg)
{
    struct load *ld = arg;
    struct control *c = ld->control;
    struct live *l = control_live(c, ld->no);

    c->n_lane--;
    if (l) {
        l->loading = false;
        first_load_over(l);
    }
    if (l && ld->code == FF_OK && !c->draining) {
        if (ld->run)
            l->root = run_is_child(&ld->run->row) ? ld->run->row.root : l->no;
        control_kept_loaded(l, &ld->signals);
    }
    if (ld->root > 0)
        control_kept_loading(c, ld->root, false);
    if (!l || ld->gone || ld->code != FF_OK || c->draining) {
        engine_run_free(ld->run);
        if (l && ld->gone)
            forget_gone(l, &ld->ended);
        else if (l && ld->code != FF_OK && !c->draining)
            load_failed(l, ld);
    } else {
        struct queued_list rest = l->inputs;
        l->run = ld->run;
        l->names = ld->names;
        ld->names = (struct run_names){0};
        l->inputs = (struct queued_list){0};
        control_loaded(l, &ld->slots); /* before anything that came meanwhile */
        queue_rest(l, &rest);
        control_know(l);
    }
    control_names_done(&ld->names);
    control_left_done(&ld->aside);
    control_slots_done(&ld->slots);
    control_signals_done(&ld->signals);
    mem_free(ld);
    control_post_pump(c);
}

void control_load(struct live *l)
{
    struct control *c = l->control;
    struct load *ld = mem_alloc(sizeof(*ld));

    ld->control = c;
    ld->tenant = l->tenant;
    ld->no = l->no;
    ld->may_hold = l->standing || l->loaded_seq > 0;
    ld->root = l->root;
    if (ld->root > 0)
        control_kept_loading(c, ld->root, true);
    l->loaded_seq++;
    l->loading = true;
    c->n_lane++;
    lane_do(c->lane, load_on_lane, load_done, ld);
}

struct live *control_live_new(struct control *c, struct tenant t, int64_t no)
{
    struct live *l = mem_alloc(sizeof(*l));

    l->control = c;
    l->tenant = t;
    l->no = no;
    list_init(&l->dirty);
    list_init(&l->stepped);
    l->sched = sched_run_new(c->sched, t.no, PROJECT_DEFAULT, l);
    l->admit_place = -1;
    map_set(&c->lives, no, l);
    return l;
}

/* Everything that memory holds of the run but its waiting inputs, its slots and its
 * places of limits: until it is loaded again nobody knows how many of its attempts run.
 */
static void live_clear(struct live *l)
{
    control_timers_clear(l);
    control_awaits_clear(l);
    sched_run_clear(l->sched);
    map_done(&l->untaken);
    l->untaken = (struct map){0};
    map_done(&l->asked);
    l->asked = (struct map){0};
    step_reset(&l->step);
    l->n_effects = 0;
    l->n_put = l->n_put_inside = 0;
    engine_run_free(l->run);
    l->run = NULL;
    control_names_done(&l->names);
}

void control_live_free(struct live *l)
{
    live_clear(l);
    return_slots(l);
    sched_run_free(l->sched);
    admit_leave(l->admit);
    mem_free(l->admit_name);
    first_load_over(l);
    control_stands_no_more(l);
    list_del(&l->dirty);
    list_del(&l->stepped);
    for (size_t i = 0; i < l->inputs.n; i++)
        control_queued_done(&l->inputs.items[i], FF_CANCELLED);
    for (size_t i = 0; i < l->applied.n; i++)
        control_queued_done(&l->applied.items[i], FF_CANCELLED);
    control_kept_ended(l);
    ARRAY_DONE(&l->inputs);
    ARRAY_DONE(&l->applied);
    step_done(&l->step);
    mem_free(l);
}

/* Grants are forgotten: the engine offers again what it still wants. A first resume is
 * repeated by the load itself. A message is found again by a scan if it still is there:
 * it may be what the conflict was about. */
static bool comes_again(struct live *l, struct queued *q)
{
    const enum input_type type = q->in.type;

    return type == INPUT_GRANT || type == INPUT_ADMIT || type == INPUT_RESUME ||
           type == INPUT_TIMER || type == INPUT_FOUND || control_kept_undone(l, q) ||
           q->inbox_no > 0;
}

static void drop_those_that_come_again(struct live *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->inputs.n; i++)
        if (comes_again(l, &l->inputs.items[i]))
            control_queued_done(&l->inputs.items[i], FF_CANCELLED);
        else
            l->inputs.items[kept++] = l->inputs.items[i];
    l->inputs.n = kept;
}

void control_reload(struct live *l)
{
    live_clear(l);
    drop_those_that_come_again(l);
    control_load(l);
    control_scan(l->control); /* for messages that were to be kept */
}
