/* trigger_turn.c - one turn: all that has happened is decided and committed together.
 */
#include "trigger/trigger_priv.h"

#include <string.h>

static void tell_ended(struct trigger *t)
{
    struct trigger_set *set = &t->set;

    for (size_t i = 0; i < t->ended.n; i++) {
        const int64_t run = t->ended.items[i];
        for (size_t k = 0; k < set->schedules.n; k++)
            if (set->schedules.items[k]->row.active_run == run)
                schedule_on_ended(set->schedules.items[k], &t->step);
        for (size_t k = 0; k < set->backfills.n; k++)
            backfill_on_ended(set->backfills.items[k], run);
    }
    t->ended.n = 0;
}

/* What ended in a project is told to its schedules, and to those of the default one,
 * which are the tenant's. */
static bool may_hear(const struct schedule *s, const struct happened *h)
{
    const int64_t project = model_project(s->row.project);

    return s->row.tenant == h->row.tenant &&
           (h->kind != FLOW_TRIGGER_WORKFLOW || project == PROJECT_DEFAULT ||
            project == model_project(h->row.project));
}

/* Whoever waits for it is told in the batch that deletes it; what happened first is
 * told first. */
static void tell_happened(struct trigger *t)
{
    struct trigger_set *set = &t->set;
    size_t n_told = 0;

    while (n_told < set->happened.n && t->step.n_started < TRIGGER_RUNS_MAX) {
        const struct happened *h = &set->happened.items[n_told++];
        for (size_t i = 0; i < set->schedules.n; i++) {
            struct schedule *s = set->schedules.items[i];
            if (may_hear(s, h) && schedule_wants(s, h->kind, h->row.name, h->state))
                schedule_on_event(s, &t->step, h->row.body.s, h->row.at);
        }
        batch_delete(&t->step.batch, &record_occurrence, &h->row, h->row.version);
    }
    set->happened.n -= n_told;
    if (n_told > 0)
        memmove(set->happened.items, set->happened.items + n_told,
                set->happened.n * sizeof(*set->happened.items));
}

/* Of two that have times in common the later one waits: which of them the first has
 * started it reads when that is over, also when that is so by this very step. */
static bool waits_for_other(const struct trigger_set *set, const struct backfill *b)
{
    for (size_t i = 0; i < set->backfills.n; i++) {
        const struct backfill *other = set->backfills.items[i];
        if (other->schedule == b->schedule && other->row.no < b->row.no &&
            other->row.from_at < b->row.below_at &&
            b->row.from_at < other->row.below_at)
            return true;
    }
    return false;
}

static bool tell_time(struct trigger *t)
{
    struct trigger_set *set = &t->set;
    bool more = false;

    for (size_t i = 0; i < set->schedules.n; i++) {
        if (t->step.n_started < TRIGGER_RUNS_MAX)
            schedule_on_time(set->schedules.items[i], &t->step);
        else
            more = true;
    }
    for (size_t i = 0; i < set->backfills.n; i++) {
        const size_t n = t->step.n_started;
        if (waits_for_other(set, set->backfills.items[i]))
            continue;
        more |= backfill_on_time(set->backfills.items[i], &t->step,
                                 n < TRIGGER_RUNS_MAX ? TRIGGER_RUNS_MAX - n : 0);
    }
    return more;
}

static void take_numbers(struct trigger *t)
{
    struct counter_row counter = t->set.counter;

    if (t->step.n_started == 0)
        return;
    counter.next = t->step.next_run;
    batch_put(&t->step.batch, &record_counter, &counter, counter.version);
    t->set.counter.next = counter.next;
    t->set.counter.version++;
}

/* Whoever else takes as many numbers leaves the same counter, so where a commit is in
 * doubt the other rows are to be asked before. */
static void seal(struct trigger *t)
{
    take_numbers(t);
    for (size_t i = 0; i < t->set.schedules.n; i++)
        schedule_seal(t->set.schedules.items[i], &t->step);
    for (size_t i = 0; i < t->set.backfills.n; i++)
        backfill_seal(t->set.backfills.items[i], &t->step);
    if (t->step.batch.n > 0)
        batch_check(&t->step.batch, &record_counter, &t->set.made, t->set.made.version);
}

/* Whoever waited for one of them has to read what it has done, and does nothing before
 * that, also should reading fail. */
static void drop_finished(struct trigger *t)
{
    struct trigger_set *set = &t->set;
    const size_t n_before = set->backfills.n;
    size_t n = 0;

    for (size_t i = 0; i < set->backfills.n; i++) {
        if (set->backfills.items[i]->row.state == BACKFILL_RUNNING)
            set->backfills.items[n++] = set->backfills.items[i];
        else
            backfill_free(set->backfills.items[i]);
    }
    set->backfills.n = n;
    if (n == 0 || n == n_before)
        return;
    t->loaded = false;
    trigger_load(t);
}

static void after(struct trigger *t)
{
    const struct trigger_setup *setup = &t->setup;

    trigger_cancel_replaced(t);
    if (t->step.n_started > 0)
        setup->started(setup->arg);
    t->n_failed = 0;
    t->n_taken = 0;
    drop_finished(t);
    trigger_post_turn(t); /* there may be more */
}

/* Once somebody may just have changed a row; again and again it is something else. What
 * was in doubt may have been made. */
static void conflict(struct trigger *t, bool in_doubt)
{
    if (in_doubt && t->step.n_started > 0)
        t->setup.started(t->setup.arg);
    t->loaded = false;
    t->load_again = false;
    if (t->n_failed++ == 0)
        trigger_load(t);
    else
        trigger_retry(t);
}

/* A number that the counter still has may be that of what stands in the place of a run
 * which never came about: who had taken it did not get to move the counter, and may not
 * have come to take that away (core/node/given.c). Whether it was that, nobody asks:
 * the store has the batch, and a gap means nothing. */
static void pass_over(struct trigger *t)
{
    t->n_taken += (int64_t)t->step.n_started;
}

static void kept(struct trigger *t, bool durable)
{
    if (t->keeping.kept)
        t->setup.kept(t->setup.arg, t->keeping.kept, durable);
    t->keeping.kept = NULL;
}

static void on_committed(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct trigger *t = arg;

    t->busy = false;
    kept(t, code == FF_OK);
    switch (code) {
    case FF_OK:
        after(t);
        break;
    case FF_CONFLICT:
    case FF_IN_DOUBT:
        log_debug("schedules: change %zu conflicts: loaded again", failed);
        if (code == FF_CONFLICT)
            pass_over(t);
        conflict(t, code == FF_IN_DOUBT);
        break;
    case FF_CANCELLED: /* the store is closing */
        break;
    default:
        t->dead = true;
        t->setup.fatal(t->setup.arg, err);
        break;
    }
    if (t->load_again)
        trigger_load(t);
    trigger_check_drained(t);
}

static void keep_on_lane(void *arg)
{
    struct trigger *t = arg;

    t->keeping.code =
        t->setup.keep(t->setup.arg, &t->step.batch, &t->keeping.kept, &t->keeping.err);
}

/* What could not be written is decided anew in a while: nothing of it was done. */
static void keep_done(void *arg)
{
    struct trigger *t = arg;

    if (t->keeping.code == FF_OK) {
        store_commit(t->setup.store, &t->step.batch, on_committed, t);
        return;
    }
    log_warn("schedules: inputs of a run are not written yet: %s", t->keeping.err.msg);
    t->busy = false;
    t->loaded = false;
    t->load_again = false;
    trigger_retry(t);
    trigger_check_drained(t);
}

static void commit(struct trigger *t)
{
    t->busy = true;
    if (t->setup.keep && t->step.batch.bytes > t->setup.inline_max)
        lane_do(t->lane, keep_on_lane, keep_done, t);
    else
        store_commit(t->setup.store, &t->step.batch, on_committed, t);
}

static void begin_step(struct trigger *t)
{
    t->step.now_us = loop_wall_us(t->setup.loop);
    t->step.shard = t->setup.shard;
    t->step.next_run = t->set.counter.next + t->n_taken;
    t->step.n_started = 0;
    t->step.starved = false;
    t->step.has_room = trigger_has_room;
    t->step.took_room = trigger_took_room;
    t->step.room_arg = t;
    batch_reset(&t->step.batch);
}

void trigger_turn(struct trigger *t)
{
    if (!t->loaded || t->loading || t->busy || t->draining || t->dead)
        return; /* what is under way ends with another turn */
    begin_step(t);
    tell_ended(t);
    tell_happened(t);
    if (tell_time(t))
        trigger_post_turn(t);
    seal(t);
    trigger_arm(t);
    if (t->step.batch.n == 0) {
        trigger_cancel_replaced(t);
        return;
    }
    commit(t);
}
