/* control.c - the door of the room: set-up, what others ask and tell, the end. */
#include "control/control_priv.h"

struct control *control_new(const struct control_setup *setup, struct ff_err *err)
{
    struct control *c = mem_alloc(sizeof(*c));

    c->setup = *setup;
    c->range = c->whole = setup->range ? *setup->range : range_all;
    c->setup.range = NULL; /* it was borrowed */
    if (!setup->topic)
        c->setup.topic = CONTROL_TOPIC_START;
    list_init(&c->dirty);
    list_init(&c->stepped);
    list_init(&c->unput);
    c->lane = lane_new(setup->loop, "load", err);
    if (!c->lane) {
        mem_free(c);
        return NULL;
    }
    c->queue_ops = driver_queue_ops(setup->queue);
    if (driver_open_queue(setup->queue, &c->queue, err) != FF_OK) {
        lane_free(c->lane);
        mem_free(c);
        return NULL;
    }
    c->sched = sched_new();
    c->admit = admit_new();
    sched_add_slots(c->sched, setup->slots);
    control_scan(c);
    return c;
}

/* None of these may begin something new any more. */
static void delete_timers(struct control *c)
{
    loop_timer_del(c->timer);
    loop_timer_del(c->rehint);
    loop_timer_del(c->sweep);
    loop_timer_del(c->reload);
    loop_timer_del(c->rate_timer);
    loop_timer_del(c->again);
}

void control_drain(struct control *c, ff_call_fn *fn, void *arg)
{
    delete_timers(c);
    c->draining = true;
    c->drained = fn;
    c->drained_arg = arg;
    control_post_pump(c);
}

void control_free(struct control *c)
{
    void *value;

    if (!c)
        return;
    lane_free(c->lane);
    delete_timers(c);
    for (size_t i = 0; map_next(&c->lives, &i, &value);)
        control_live_free(value);
    map_done(&c->lives);
    for (size_t i = 0; map_next(&c->plans, &i, &value);)
        plan_unref(value);
    map_done(&c->plans);
    control_known_free(c);
    control_posts_free(c);
    c->queue_ops->close(c->queue);
    sched_free(c->sched);
    admit_free(c->admit);
    control_limit_rows_done(&c->sizes);
    control_queues_done(&c->queues);
    heap_done(&c->timers);
    control_looks_free(c);
    control_look_ups_free(c);
    ARRAY_DONE(&c->carried_out);
    ARRAY_DONE(&c->starts);
    ARRAY_DONE(&c->adopts);
    mem_free(c);
}

/* Whoever knocks may wait for nothing to be left, and was not asked while it was
 * looked: it is said again. */
void control_wake(struct control *c)
{
    c->was_idle = false;
    control_scan(c);
}

size_t control_open_runs(const struct control *c)
{
    return c->lives.n;
}

bool control_loading(const struct control *c)
{
    return c->scanning || c->n_lane > 0;
}

/* --- who measures --- */

void control_set_watch(struct control *c, const struct control_watch *w)
{
    c->watch = w ? *w : (struct control_watch){0};
}

void control_waiting(const struct control *c, control_waiting_fn *fn, void *arg)
{
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);) {
        const struct live *l = value;
        int64_t since_us = INT64_MAX;
        const int64_t n = l->sched ? sched_run_waiting(l->sched, &since_us) : 0;

        fn(arg, l->tenant, n, since_us);
    }
}

int64_t control_slots(const struct control *c)
{
    return c->setup.slots;
}

void control_set_slots(struct control *c, int64_t slots)
{
    sched_add_slots(c->sched, slots - c->setup.slots);
    c->setup.slots = slots;
    control_post_pump(c);
}

void control_set_pool(struct control *c, const char *labels, int64_t places)
{
    sched_set_pool(c->sched, labels, places);
    control_post_pump(c);
}

int64_t control_wanted(const struct control *c, const char *labels)
{
    return control_gives_slots(c) ? sched_wanted(c->sched, labels) : 0;
}

void control_placed(struct control *c, const struct attempt_key *key,
                    const char *labels)
{
    const struct live *l = control_live(c, key->run);

    if (!l || l->tenant.no != key->tenant.no)
        return;
    /* While it is read again nobody knows: then it is kept if the attempt is adopted.
     */
    if (l->run && !control_is_current(c, key))
        return;
    if (sched_placed(l->sched, key->node, labels))
        control_post_pump(c);
}

int64_t control_free_slots(const struct control *c)
{
    return sched_free_slots(c->sched);
}

int64_t control_tenant_slots(const struct control *c, struct tenant t)
{
    return sched_standing(c->sched, t.no).running;
}

void control_each_tenant(const struct control *c, sched_tenant_fn *fn, void *arg)
{
    sched_each_tenant(c->sched, fn, arg);
}

/* Those that it had before are loaded, or begin with the next look. */
void control_lead(struct control *c, struct tenant_range range)
{
    c->range = range;
    control_shares_lead(c);
    control_scan(c);
}

bool control_is_settled(const struct control *c)
{
    return c->began && c->n_first == 0 && c->n_standing == 0;
}

/* Of one that is read again it is not known what it holds, and a step that is under way
 * may have freed a slot whose result is not durable yet. */
static bool is_quiet(const struct live *l)
{
    return l->run && !l->loading && !l->busy && l->inputs.n == 0 && l->applied.n == 0 &&
           control_tenant_slots(l->control, l->tenant) == 0;
}

bool control_is_calm(const struct control *c, struct tenant_range range)
{
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);) {
        const struct live *l = value;

        if (!range_has(range, l->tenant) && !is_quiet(l))
            return false;
    }
    return true;
}

struct live *control_live(struct control *c, int64_t run)
{
    return map_get(&c->lives, run);
}

/* --- what others tell --- */

void control_cancel(struct control *c, struct tenant t, int64_t run,
                    enum cancel_mode mode, store_done_fn *done, void *arg)
{
    struct live *l = control_live(c, run);

    if (!l || l->tenant.no != t.no || (l->run && run_state_final(l->run->row.state))) {
        struct ff_err err;
        ff_fail(&err, FF_NOT_FOUND, 0, "the run is not open");
        if (done)
            done(arg, FF_NOT_FOUND, 0, &err);
        return;
    }
    const struct queued q = {
        .in = {.type = INPUT_CANCEL, .cancel = mode}, .done = done, .arg = arg};
    control_queue(l, &q);
}

bool control_cancel_loaded(struct control *c, struct tenant t, int64_t run,
                           enum cancel_mode mode)
{
    const struct live *l = control_live(c, run);

    if (!l || !l->run)
        return false;
    if (l->run->row.state != RUN_CANCELLING)
        control_cancel(c, t, run, mode, NULL, NULL);
    return true;
}

struct result *control_copy_result(const struct result *from)
{
    struct result *r = mem_alloc(sizeof(*r));

    *r = *from;
    r->reason = mem_text(from->reason);
    r->message = mem_text(from->message);
    r->stored = mem_text(from->stored);
    r->outputs = json_incref(from->outputs);
    return r;
}

void control_result(struct control *c, const struct attempt_key *key,
                    const struct result *result)
{
    struct live *l = control_live(c, key->run);

    if (!l) {
        c->setup.sink.settled(c->setup.sink.arg, key);
        return;
    }
    const struct queued q = {
        .in = {.type = INPUT_RESULT, .node = key->node, .attempt = key->attempt},
        .result = control_copy_result(result),
    };
    control_queue(l, &q);
}

void control_silent(struct control *c, const struct attempt_key *key)
{
    struct live *l = control_live(c, key->run);
    const struct queued q = {
        .in = {.type = INPUT_SILENT, .node = key->node, .attempt = key->attempt}};

    if (l)
        control_queue(l, &q);
}

/* --- what the executor asks --- */

static struct run *run_of(struct control *c, const struct attempt_key *key)
{
    struct live *l = control_live(c, key->run);

    return l && l->tenant.no == key->tenant.no ? l->run : NULL;
}

static bool is_untaken(const struct live *l, const struct attempt_key *key)
{
    return (intptr_t)map_get(&l->untaken, key->node) == (intptr_t)key->attempt;
}

/* Its start need not be said again. Asking for an older attempt takes nothing. */
static void taken(struct live *l, const struct attempt_key *key)
{
    if (is_untaken(l, key))
        map_del(&l->untaken, key->node);
}

int control_describe(struct control *c, const struct attempt_key *key,
                     struct arena *arena, struct work *work, const struct run_row **run,
                     struct ff_err *err)
{
    struct run *r = run_of(c, key);

    if (!r)
        return ff_fail(err, FF_NOT_FOUND, 0, "the run is not open here");
    struct live *l = control_live(c, key->run);

    taken(l, key);
    *run = &r->row;
    const int code = r->kind->describe(r, key->node, key->attempt, arena, work, err);
    control_names_tell(&l->names, arena, work);
    return code;
}

const struct run_row *control_run_row(struct control *c, struct tenant t, int64_t run)
{
    const struct attempt_key key = {.tenant = t, .run = run};
    const struct run *r = run_of(c, &key);

    return r ? &r->row : NULL;
}

bool control_is_current(struct control *c, const struct attempt_key *key)
{
    const struct run *r = run_of(c, key);

    return r && r->kind->is_current(r, key->node, key->attempt);
}

bool control_may_start(struct control *c, const struct attempt_key *key)
{
    return control_is_current(c, key) && is_untaken(control_live(c, key->run), key);
}

int control_node_path(struct control *c, const struct attempt_key *key, char *out,
                      size_t size)
{
    const struct run *r = run_of(c, key);

    if (!r)
        return FF_NOT_FOUND;
    r->kind->node_path(r, key->node, out, size);
    return FF_OK;
}
