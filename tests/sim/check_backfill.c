/* check_backfill.c - times of the past that are run after all: exactly those of the
 * range that have no run, in their order, and so many at once (I39). */
#include "schedules.h"

#include <string.h>

static struct mirror_schedule *schedule_of(const struct ff_change *c)
{
    char name[128];

    snprintf(name, sizeof(name), "%.*s", (int)c->values[COL_BACKFILL_SCHEDULE].len,
             c->values[COL_BACKFILL_SCHEDULE].s);
    return schedule_named(c->values[COL_BACKFILL_TENANT].i, name);
}

static struct mirror_backfill *add(const struct ff_change *c)
{
    struct mirror_backfill *b = mem_alloc(sizeof(*b));

    b->schedule = schedule_of(c);
    sim_check(b->schedule, "I39: a backfill of no schedule");
    b->no = c->values[COL_BACKFILL_NO].i;
    b->created_in = mirror.n_commits;
    b->last_us = c->values[COL_BACKFILL_LAST_AT].i;
    b->before.last_us = b->last_us;
    map_set(&schedules.backfills, b->no, b);
    sim_seen(SEEN_BACKFILL_BEGAN);
    return b;
}

void backfill_change(const struct ff_change *c)
{
    struct mirror_backfill *b =
        map_get(&schedules.backfills, c->values[COL_BACKFILL_NO].i);

    sim_check(!b == (c->kind == FF_PUT), "I39: a backfill is made twice");
    if (!b)
        b = add(c);
    change_int(c, COL_BACKFILL_STATE, &b->state);
    change_int(c, COL_BACKFILL_FROM_AT, &b->from_us);
    change_int(c, COL_BACKFILL_BELOW_AT, &b->below_us);
    change_int(c, COL_BACKFILL_LAST_AT, &b->last_us);
    change_int(c, COL_BACKFILL_MAX_PARALLEL, &b->max_parallel);
    b->before.is_touched = true;
    b->touched_at = sim.now;
    sim_check(schedules.node == SIM_CLIENT ||
                  schedules.node == lead_owner(change_tenant(c)),
              "G4: process %d moves a backfill on, and %d owns the shard",
              schedules.node, lead_owner(change_tenant(c)));
    if (b->state == BACKFILL_STOPPED)
        sim_seen(SEEN_BACKFILL_STOPPED);
}

/* --- what a commit has done --- */

/* Which one has started this time, in this commit? */
static struct mirror_backfill *whose(const struct mirror_schedule *s, int64_t at_us)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);) {
        struct mirror_backfill *b = value;
        if (b->schedule == s && b->before.is_touched && b->before.last_us < at_us &&
            at_us <= b->last_us)
            return b;
    }
    return NULL;
}

static void check_times(struct mirror_schedule *s)
{
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *t = value;
        if (t->put_in != mirror.n_commits || strcmp(t->cause, "backfill") != 0)
            continue;
        struct mirror_backfill *b = whose(s, t->nominal);
        sim_check(b && t->nominal >= b->from_us && t->nominal < b->below_us,
                  "I39: %s: time %lld is of no backfill", s->name,
                  (long long)(t->nominal - SIM_EPOCH_US));
        sim_check(due_is_time(s, t->nominal), "I39: %s has no time %lld", s->name,
                  (long long)(t->nominal - SIM_EPOCH_US));
        ARRAY_ADD(&b->runs, t->run);
    }
}

static int64_t count_open(const struct mirror_backfill *b)
{
    int64_t n = 0;

    for (size_t i = 0; i < b->runs.n; i++)
        n += schedule_run_is_open(b->runs.items[i]);
    return n;
}

/* All that it has gone over have a run, or waited for one at that time. */
static void check_passed(const struct mirror_backfill *b)
{
    const struct mirror_schedule *s = b->schedule;
    int64_t until_us = b->last_us + 1;

    if (s->spec_changed_in > b->created_in)
        return; /* its times are others now */
    if (b->state == BACKFILL_DONE)
        until_us = b->below_us;
    for (int64_t at = due_next(s, b->before.last_us); at < until_us;
         at = due_next(s, at)) {
        const struct mirror_time *t = schedule_time(s, at);
        sim_check(t && (t->state == SCHEDULE_RUN_STARTED || t->waited),
                  "I39: %s: a backfill passes over time %lld", s->name,
                  (long long)(at - SIM_EPOCH_US));
        if (t->put_in != mirror.n_commits)
            sim_seen(SEEN_BACKFILL_PASSED);
    }
}

/* The later one of two that have times in common moves on in a commit after the one
 * that ended the earlier one: before that it can't have read which times those are.
 * Numbers are taken before they are durable, so the earlier one is the one that was
 * there. */
static void check_turns(const struct mirror_backfill *b)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);) {
        const struct mirror_backfill *other = value;
        const bool is_earlier = other->schedule == b->schedule && other->no < b->no &&
                                other->created_in < b->created_in &&
                                other->from_us < b->below_us &&
                                b->from_us < other->below_us;
        sim_check(!is_earlier ||
                      (other->state != BACKFILL_RUNNING && !other->before.is_touched),
                  "I39: backfill %lld of %s does not wait for backfill %lld",
                  (long long)b->no, b->schedule->name, (long long)other->no);
    }
}

static void check_one(const struct mirror_backfill *b)
{
    if (!b->before.is_touched || b->state == BACKFILL_STOPPED)
        return;
    sim_check(b->last_us >= b->before.last_us, "I39: a backfill goes back");
    sim_check(b->last_us < b->below_us, "I39: a backfill leaves its range");
    sim_check(count_open(b) <= b->max_parallel,
              "I39: %lld runs of a backfill at once, not %lld",
              (long long)count_open(b), (long long)b->max_parallel);
    if (schedules.node != SIM_CLIENT) {
        check_turns(b);
        check_passed(b);
    }
    if (b->state != BACKFILL_DONE)
        return;
    sim_check(count_open(b) == 0, "I39: a backfill is over before its runs");
    sim_seen(SEEN_BACKFILL_DONE);
}

void backfill_check(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);)
        check_times(value);
    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);)
        check_one(value);
}

/* --- when faults are over --- */

/* The later one of two that have times in common waits. */
static bool waits_for_other(const struct mirror_backfill *b)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);) {
        const struct mirror_backfill *other = value;
        if (other->schedule == b->schedule && other->no < b->no &&
            other->state == BACKFILL_RUNNING)
            return true;
    }
    return false;
}

void backfill_check_now(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);) {
        const struct mirror_backfill *b = value;
        if (b->state != BACKFILL_RUNNING || waits_for_other(b) ||
            sim.now - b->touched_at < SCHEDULE_LATE_US)
            continue;
        bool is_held_up = false;
        for (size_t k = 0; k < b->runs.n; k++) {
            const struct mirror_run *r = mirror_run(b->runs.items[k]);
            is_held_up =
                is_held_up || r->open || sim.now - r->ended_at < SCHEDULE_LATE_US;
        }
        sim_check(is_held_up || b->runs.n == 0 || count_open(b) > 0,
                  "I39: a backfill of %s stands still", b->schedule->name);
    }
}

bool backfill_is_over(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);)
        if (((const struct mirror_backfill *)value)->state == BACKFILL_RUNNING)
            return false;
    return true;
}
