/* trigger.c - the door of the room, and its timer. */
#include "trigger/trigger_priv.h"

#include <string.h>

#define BODY_MAX ((size_t)64 * 1024) /* outputs that a schedule is told of */

static int64_t shortest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct trigger *trigger_new(const struct trigger_setup *setup, struct ff_err *err)
{
    struct trigger *t = mem_alloc(sizeof(*t));

    t->setup = *setup;
    t->range = setup->range ? *setup->range : range_all;
    t->setup.range = NULL; /* it was borrowed */
    t->lane = lane_new(setup->loop, "schedule", err);
    if (!t->lane) {
        mem_free(t);
        return NULL;
    }
    rand_seed(&t->step.rand, loop_random(setup->loop));
    trigger_load(t);
    return t;
}

void trigger_check_drained(struct trigger *t)
{
    if (!t->draining || !t->drained || t->busy || t->loading)
        return;
    ff_call_fn *fn = t->drained;
    t->drained = NULL;
    fn(t->drained_arg);
}

static void check_drained(void *arg)
{
    trigger_check_drained(arg);
}

void trigger_drain(struct trigger *t, ff_call_fn *fn, void *arg)
{
    loop_timer_del(t->timer);
    loop_timer_del(t->retry);
    loop_timer_del(t->cancel);
    t->draining = true;
    t->drained = fn;
    t->drained_arg = arg;
    loop_post(t->setup.loop, check_drained, t);
}

void trigger_free(struct trigger *t)
{
    if (!t)
        return;
    lane_free(t->lane);
    loop_timer_del(t->timer);
    loop_timer_del(t->retry);
    loop_timer_del(t->cancel);
    trigger_set_done(&t->set);
    ARRAY_DONE(&t->ended);
    ARRAY_DONE(&t->gone);
    ARRAY_DONE(&t->come);
    schedule_step_done(&t->step);
    mem_free(t);
}

/* --- turns --- */

static void turn(void *arg)
{
    struct trigger *t = arg;

    t->turn_posted = false;
    trigger_turn(t);
}

void trigger_post_turn(struct trigger *t)
{
    if (t->turn_posted || t->draining)
        return;
    t->turn_posted = true;
    loop_post(t->setup.loop, turn, t);
}

static void on_timer(void *arg)
{
    trigger_turn(arg);
}

/* Timers count time that passes, so one that was set by the wall clock may be early or
 * late when that clock is set; then trigger_clock_changed arms it anew. */
void trigger_arm(struct trigger *t)
{
    int64_t due_us = INT64_MAX;

    loop_timer_del(t->timer);
    for (size_t i = 0; i < t->set.schedules.n; i++)
        due_us = shortest(due_us, t->set.schedules.items[i]->due_us);
    if (t->draining || due_us == INT64_MAX)
        return;
    const int64_t delay_us = due_us - loop_wall_us(t->setup.loop);
    loop_timer_add(t->setup.loop, delay_us > 0 ? delay_us : 0, on_timer, t, &t->timer);
}

void trigger_clock_changed(struct trigger *t)
{
    trigger_post_turn(t);
}

static void on_retry(void *arg)
{
    trigger_load(arg);
}

void trigger_retry(struct trigger *t)
{
    if (!t->draining && !t->retry)
        loop_timer_add(t->setup.loop, TRIGGER_RETRY_US, on_retry, t, &t->retry);
}

static void on_cancel(void *arg)
{
    trigger_cancel_replaced(arg);
}

void trigger_cancel_replaced(struct trigger *t)
{
    const struct trigger_setup *setup = &t->setup;
    bool all = true;

    if (t->busy || !t->loaded)
        return; /* memory is ahead of the store: what comes of that asks again */
    for (size_t i = 0; i < t->set.schedules.n; i++) {
        const struct schedule *s = t->set.schedules.items[i];
        if (schedule_wants_cancel(s))
            all = setup->cancel(setup->arg, (struct tenant){s->row.tenant},
                                s->row.active_run) &&
                  all;
    }
    if (!all && !t->draining && !t->cancel)
        loop_timer_add(setup->loop, TRIGGER_RETRY_US, on_cancel, t, &t->cancel);
}

/* --- what others tell --- */

void trigger_wake(struct trigger *t)
{
    t->stale = true;
    trigger_load(t);
}

/* Before it is known who waits, each end is noted: a row too much is deleted later. */
static bool is_waited_for(const struct trigger *t, const struct run_row *run)
{
    if (run_is_child(run))
        return false; /* it is a task of another one */
    for (size_t i = 0; i < t->set.schedules.n; i++)
        if (schedule_wants(t->set.schedules.items[i], FLOW_TRIGGER_WORKFLOW,
                           run->workflow, run->state))
            return true;
    return !t->loaded || t->stale;
}

/* They are in its step only: the row in memory does not keep them. */
static struct span outputs_of(const struct run_row *run, const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *c = &b->items[i];
        if (c->record != &record_run || c->kind != FF_PATCH ||
            c->values[COL_RUN_RUN].i != run->run || !(c->set >> COL_RUN_OUTPUTS & 1))
            continue;
        const struct ff_value *v = &c->values[COL_RUN_OUTPUTS];
        return (struct span){.s = v->s, .len = v->len};
    }
    return (struct span){0};
}

/* Some by reference, in the folder of the run: larger than BODY_MAX, then. No output's
 * name begins like that. */
static bool are_elsewhere(struct span outputs)
{
    static const char begin[] = "{\"$values\":";
    const size_t len = sizeof(begin) - 1;

    return outputs.len > len && memcmp(outputs.s, begin, len) == 0;
}

/* What a schedule that waits for the run's end is told: now, since the run may have
 * been opened again by the time that it is. */
static void describe_run(const struct run_row *run, struct span outputs,
                         struct buf *body)
{
    struct jsonw w = {.out = body};

    jsonw_open(&w, '{');
    jsonw_key(&w, "workflow");
    jsonw_text_len(&w, run->workflow.s, run->workflow.len);
    jsonw_key(&w, "run");
    jsonw_text_len(&w, run->id.s, run->id.len);
    jsonw_key(&w, "state");
    jsonw_text(&w, run_state_names[run->state]);
    jsonw_key(&w, "outputs");
    if (outputs.s && outputs.len <= BODY_MAX && !are_elsewhere(outputs))
        jsonw_raw(&w, outputs.s, outputs.len);
    else
        jsonw_null(&w);
    jsonw_close(&w, '}');
}

/* An id for each end: a run that was opened again has several. */
static void put_end(struct trigger *t, const struct run_row *run, struct batch *b)
{
    const uint64_t random = rand_next(&t->step.rand);
    struct buf body = {0};
    char id[ID_TEXT];

    id_make(loop_wall_us(t->setup.loop), random, rand_next(&t->step.rand), id);
    describe_run(run, outputs_of(run, b), &body);
    const struct occurrence_row row = {
        .tenant = run->tenant,
        .id = span_of(id),
        .kind = span_of(flow_trigger_names[FLOW_TRIGGER_WORKFLOW]),
        .name = run->workflow,
        .run = run->run,
        .body = span_of(buf_text(&body)),
        .at = run->finished_at,
        .project = run->project,
    };
    batch_put(b, &record_occurrence, &row, FF_ABSENT);
    buf_done(&body);
}

void trigger_run_ending(struct trigger *t, const struct run_row *run, struct batch *b)
{
    if (is_waited_for(t, run))
        put_end(t, run, b);
}

/* By its number: of a run that could not be loaded nothing else is known. */
static bool is_ours(const struct trigger *t, int64_t run)
{
    for (size_t i = 0; i < t->set.schedules.n; i++)
        if (t->set.schedules.items[i]->row.active_run == run)
            return true;
    for (size_t i = 0; i < t->set.backfills.n; i++)
        if (backfill_has_run(t->set.backfills.items[i], run))
            return true;
    return t->busy || t->loading; /* it may be, with what comes of that */
}

void trigger_run_opened(struct trigger *t, struct tenant tenant, int64_t run)
{
    const struct trigger_come come = {.tenant = tenant.no, .run = run};

    /* One that was there before is in the rows that are being read. */
    if (trigger_room_take(&t->set, tenant.no, run) && t->loading)
        ARRAY_ADD(&t->come, come);
}

void trigger_run_ended(struct trigger *t, const struct run_row *run)
{
    const bool ours = is_ours(t, run->run);

    if (ours)
        ARRAY_ADD(&t->ended, run->run);
    trigger_room_leave(&t->set, run->run);
    if (t->loading)
        ARRAY_ADD(&t->gone, run->run);
    if (is_waited_for(t, run))
        trigger_load(t);
    else if (ours || t->step.starved)
        trigger_post_turn(t);
}

bool trigger_is_needed(const struct trigger *t)
{
    if (!t->loaded || t->set.backfills.n > 0)
        return true;
    for (size_t i = 0; i < t->set.schedules.n; i++)
        if (t->set.schedules.items[i]->row.paused_at == MODEL_NULL)
            return true;
    return false;
}
