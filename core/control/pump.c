/* pump.c - the beat of the room: inputs are applied, free slots are given away, and
 * every run that changed commits. One pump a turn of the loop, however many inputs
 * came, so that what belongs together is committed together: "A finished" and "B has
 * its slot" are one batch. */
#include "control/control_priv.h"

#include <string.h>

void control_queued_done(struct queued *q, int code)
{
    struct ff_err err = {.code = code};

    if (q->done)
        q->done(q->arg, code, 0, code == FF_OK ? NULL : &err);
    if (q->result) {
        mem_free((void *)(uintptr_t)q->result->reason);
        mem_free((void *)(uintptr_t)q->result->message);
        mem_free((void *)(uintptr_t)q->result->stored);
        json_decref(q->result->outputs);
        mem_free(q->result);
    }
    if (q->signal) {
        mem_free((void *)(uintptr_t)q->signal->word);
        json_decref((json_t *)(uintptr_t)q->signal->body);
        mem_free(q->signal);
    }
}

static void mark_dirty(struct live *l)
{
    if (list_empty(&l->dirty))
        list_add_tail(&l->control->dirty, &l->dirty);
}

void control_queue(struct live *l, const struct queued *q)
{
    ARRAY_ADD(&l->inputs, *q);
    mark_dirty(l);
    control_post_pump(l->control);
}

void control_fatal(struct control *c, const struct ff_err *err)
{
    if (c->dead)
        return;
    c->dead = true;
    if (c->setup.listener.fatal)
        c->setup.listener.fatal(c->setup.listener.arg, err);
}

void control_check_drained(struct control *c)
{
    if (!c->draining || !c->drained || c->n_busy > 0 || c->n_lane > 0 ||
        c->pump_posted) /* which asks again */
        return;
    ff_call_fn *fn = c->drained;
    c->drained = NULL;
    fn(c->drained_arg);
}

/* --- commits --- */

static void put_back_applied(struct live *l)
{
    struct queued_list old = l->inputs;

    l->inputs = l->applied;
    l->applied = (struct queued_list){0};
    for (size_t i = 0; i < old.n; i++)
        ARRAY_ADD(&l->inputs, old.items[i]);
    ARRAY_DONE(&old);
}

bool control_conflicts(struct control *c, int code, const struct ff_err *err)
{
    const bool conflicts = code == FF_CONFLICT || code == FF_IN_DOUBT;
    const bool closing = code == FF_CANCELLED; /* the store */

    if (!conflicts && !closing)
        control_fatal(c, err);
    return conflicts;
}

static void on_committed(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct live *l = arg;
    struct control *c = l->control;

    l->busy = false;
    c->n_busy--;
    if (code == FF_OK) {
        /* Inputs that came meanwhile had to wait: now they make the next step. */
        if (control_after_effects(l) && l->inputs.n > 0)
            mark_dirty(l);
    } else if (control_conflicts(c, code, err)) {
        log_debug("run %lld: change %zu of its step conflicts: loaded again",
                  (long long)l->no, failed);
        put_back_applied(l);
        control_reload(l);
    }
    control_post_pump(c);
}

static void on_aside_committed(void *arg, int code, size_t failed,
                               const struct ff_err *err)
{
    struct control *c = arg;

    (void)failed;
    c->n_busy--;
    /* A conflict: the sweep comes upon the same thing again. */
    if (code != FF_OK)
        control_conflicts(c, code, err);
    control_check_drained(c);
}

void control_commit_aside(struct control *c, struct batch *b)
{
    c->n_busy++;
    store_commit(c->setup.store, b, on_aside_committed, c);
}

static void commit_step(struct live *l)
{
    struct control *c = l->control;

    const struct control_listener *listener = &c->setup.listener;

    engine_step_seal(l->run, &l->step);
    if (listener->ending && run_state_final(l->run->row.state) && l->step.batch.n > 0)
        listener->ending(listener->arg, &l->run->row, &l->step.batch);
    if (run_state_final(l->run->row.state))
        control_kept_ending(l);
    c->n_busy++;
    l->busy = true;
    if (l->step.batch.n > 0)
        store_commit(c->setup.store, &l->step.batch, on_committed, l);
    else
        on_committed(l, FF_OK, 0, NULL);
}

/* --- steps --- */

static const char *request_word(const struct queued *q)
{
    if (q->signal)
        return q->signal->word;
    return q->in.cancel == CANCEL_KILL ? "kill" : "cancel";
}

static void note_refused(struct live *l, const struct queued *q, const char *why)
{
    if (run_state_final(l->run->row.state))
        return; /* its history has its end */
    struct jsonw w = step_event(&l->step, "request.refused");
    jsonw_key(&w, "request");
    jsonw_text(&w, request_word(q));
    jsonw_key(&w, "reason");
    jsonw_text(&w, why);
    step_event_end(&l->step, &w);
}

/* A message that is kept, not one that was and is offered now. */
static bool is_to_keep(const struct queued *q)
{
    return q->signal && q->kept_no == 0 && strcmp(q->signal->word, SIGNAL_KEPT) == 0;
}

/* Its row goes with the step in which a node takes it. */
static void take_kept(struct live *l, struct queued *q)
{
    const struct signal_row row = {
        .tenant = l->tenant.no, .run = l->root, .no = q->kept_no, .version = 1};

    q->taken = l->step.taken;
    if (q->taken)
        batch_delete(&l->step.batch, &record_signal, &row, row.version);
}

static void apply_one(struct live *l, struct queued *q)
{
    q->in.result = q->result;
    q->in.signal = q->signal;
    if (q->in.type == INPUT_FOUND)
        control_take_answer(l, q);
    const char *why = q->foreign ? "other_tenant" : NULL;
    if (!why && is_to_keep(q))
        why = control_keep(l, q);
    else if (!why && !q->is_void)
        engine_step(l->run, &q->in, &l->step);
    if (why)
        note_refused(l, q, why);
    if (q->kept_no > 0)
        take_kept(l, q);
    if (q->in.type == INPUT_ADMIT)
        control_admitted(l, q);
    if (q->inbox_no > 0) {
        const struct inbox_row row = {.shard = l->control->setup.shard,
                                      .no = q->inbox_no};
        /* A scan that began before may show the message once more when it is gone:
         * carried out, or left behind by a run that has been opened again since. A
         * message is written once, so its version is 1. */
        batch_delete(&l->step.batch, &record_inbox, &row, 1);
    }
    control_now_effects(l);
    control_admit_stopping(l);
    if (q->in.type == INPUT_RESUME)
        control_limits_resumed(l);
}

static void apply_inputs(struct live *l)
{
    struct control *c = l->control;

    l->step.now_us = loop_wall_us(c->setup.loop);
    sched_set_now(c->sched, l->step.now_us);
    for (size_t i = 0; i < l->inputs.n; i++) {
        /* A copy: the list may move when this one makes further inputs, as a task does
         * that begins to wait and finds a signal kept for it. */
        struct queued q = l->inputs.items[i];
        l->n_taken = i + 1;
        apply_one(l, &q);
        ARRAY_ADD(&l->applied, q);
    }
    l->inputs.n = 0;
    if (list_empty(&l->stepped))
        list_add_tail(&c->stepped, &l->stepped);
}

static void apply_dirty(struct control *c)
{
    struct list *link;

    while ((link = list_first(&c->dirty))) {
        struct live *l = LIST_OF(link, struct live, dirty);
        list_del(link);
        if (!l->busy && l->run && l->inputs.n > 0)
            apply_inputs(l);
    }
}

/* Attempts of the owner before hold slots as well: none is given away until they are
 * counted. Nor while steps wait for numbers or values: these go out later than those
 * that need none, and the time that a rate counts from would be an old one. */
bool control_gives_slots(const struct control *c)
{
    return c->began && c->n_first == 0 && !c->numbers.taking && c->n_putting == 0;
}

static void give_slots(struct control *c)
{
    const int64_t now_us = loop_wall_us(c->setup.loop);
    void *owner;
    int64_t node;

    if (!control_gives_slots(c))
        return;
    sched_set_now(c->sched, now_us);
    while (sched_pick(c->sched, &owner, &node)) {
        const int64_t waited_us = now_us - sched_picked_since_us(c->sched);
        struct live *l = owner;

        probe_slot_give(l->no, node, waited_us);
        if (c->watch.picked)
            c->watch.picked(c->watch.arg, waited_us);
        const struct queued q = {.in = {.type = INPUT_GRANT, .node = node}};
        l->granted++;
        ARRAY_ADD(&l->inputs, q);
        mark_dirty(l);
    }
}

static void commit_stepped(struct control *c)
{
    struct list *link;

    struct list waiting;

    list_init(&waiting);
    while ((link = list_first(&c->stepped))) {
        struct live *l = LIST_OF(link, struct live, stepped);
        list_del(link);
        if (!control_put_values(l))
            continue;
        if (control_name_children(l))
            commit_step(l);
        else
            list_add_tail(&waiting, link); /* until there are numbers for them */
    }
    while ((link = list_first(&waiting))) {
        list_del(link);
        list_add_tail(&c->stepped, link);
    }
}

static void tell_wanted(struct control *c)
{
    const struct control_listener *listener = &c->setup.listener;

    if (!listener->wanted)
        return;
    const int64_t n = control_wanted(c, NULL);

    if (n == c->told_wanted)
        return;
    c->told_wanted = n;
    listener->wanted(listener->arg);
}

static void pump(void *arg)
{
    struct control *c = arg;

    c->pump_posted = false;
    if (!c->dead && !c->draining) {
        do {
            apply_dirty(c);
            control_give_admissions(c);
            give_slots(c);
        } while (!list_empty(&c->dirty));
        commit_stepped(c);
        control_flush(c);
        control_timers_arm(c);
        if (control_gives_slots(c))
            control_rates_arm(c);
        control_check_idle(c);
        tell_wanted(c);
    }
    control_check_drained(c);
}

void control_post_pump(struct control *c)
{
    if (c->pump_posted)
        return;
    c->pump_posted = true;
    loop_post(c->setup.loop, pump, c);
}
