/* check_apart.c - how the runs of a schedule keep apart, and what a commit may decide
 * of its times for that (I37, I38). */
#include "schedules.h"

#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const struct {
    const char *overlap, *reason;
    int64_t state;
    enum sim_seen seen;
} overlaps[] = {
    {"skip", "overlap", SCHEDULE_RUN_SKIPPED, SEEN_OVERLAP_SKIPPED},
    {"queue", "", SCHEDULE_RUN_WAITING, SEEN_OVERLAP_WAITED},
    {"cancel", "", SCHEDULE_RUN_WAITING, SEEN_OVERLAP_WAITED},
    {"cancel", "replaced", SCHEDULE_RUN_SKIPPED, SEEN_OVERLAP_REPLACED},
};

/* I44: of events in a row the last is held, until it is quiet or that took long enough.
 */
static bool is_held(const struct mirror_schedule *s, const struct mirror_time *t)
{
    if (is(t->reason, "debounced") && t->state == SCHEDULE_RUN_SKIPPED) {
        sim_check(s->last_at > t->nominal, "I44: %s drops the last event", s->name);
        sim_seen(SEEN_EVENT_DEBOUNCED);
        return true;
    }
    if (!is(t->reason, "debounce") || t->state != SCHEDULE_RUN_WAITING)
        return false;
    sim_check(s->debounce_us > 0 && s->held_at == t->nominal,
              "I44: %s holds an event, and its row does not say so", s->name);
    sim_seen(SEEN_EVENT_HELD);
    return true;
}

/* When the row of events began, or before: its schedule said so before this commit, or
 * the first one is in it. */
static int64_t held_since(const struct mirror_schedule *s)
{
    int64_t since = INT64_MAX;
    void *value;

    if (s->before.held_since > 0)
        return s->before.held_since;
    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *t = value;
        if (t->first_in == mirror.n_commits && t->nominal < since)
            since = t->nominal;
    }
    return since;
}

void apart_check_held(const struct mirror_schedule *s, const struct mirror_time *t,
                      int64_t state, const struct ff_change *c)
{
    const int64_t at = SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us;
    const int64_t quiet = t->nominal + s->debounce_us;
    char reason[16];

    change_text(c, COL_SCHEDULE_RUN_REASON, reason, sizeof(reason));
    if (state == SCHEDULE_RUN_SKIPPED && is(reason, "debounced"))
        return;
    sim_check(at >= quiet || at >= held_since(s) + s->debounce_max_us,
              "I44: an event of %s begins %lld ms too soon", s->name,
              (long long)((quiet - at) / 1000));
    sim_seen(SEEN_EVENT_QUIET);
}

/* A time that was not started, since another run was in its way: whichever is there
 * after the commit, as ends are told before times, and who waited longer begins in the
 * step in which they are. */
static void check_held_up(const struct mirror_schedule *s, const struct mirror_time *t)
{
    const int64_t run = s->active_run;
    size_t i = 0;

    while (i < COUNT_OF(overlaps) &&
           (!is(overlaps[i].overlap, s->overlap) || overlaps[i].state != t->state ||
            !is(overlaps[i].reason, t->reason)))
        i++;
    sim_check(i < COUNT_OF(overlaps), "I37: %s, which says %s: a time is %s for %s",
              s->name, s->overlap, schedule_run_state_names[t->state], t->reason);
    sim_seen(overlaps[i].seen);
    const struct mirror_run *r = mirror_run(run);
    sim_check(r, "I37: nothing is in the way of %s", s->name);
    sim_check(sim.faults || r->open || sim.now - r->ended_at < SCHEDULE_LATE_US,
              "I37: run %lld was over when it was in the way of %s", (long long)run,
              s->name);
}

static void check_started(const struct mirror_schedule *s, const struct mirror_time *t)
{
    if (t->waited && t->first_in != mirror.n_commits) {
        sim_seen(is(s->overlap, "queue") ? SEEN_OVERLAP_QUEUED
                                         : SEEN_OVERLAP_CANCELLED);
        if (t->event)
            sim_seen(SEEN_EVENT_WAITED);
    }
    if (is(t->cause, "event"))
        sim_seen(SEEN_EVENT_STARTED);
    if (is(t->cause, "workflow"))
        sim_seen(SEEN_AFTER_STARTED);
}

static void check_time(const struct mirror_schedule *s, const struct mirror_time *t)
{
    if (!schedule_is_ordinary(t->cause))
        return;
    sim_check(s->before.was_there, "I14: schedule %s begins after its end", s->name);
    sim_check(!s->before.was_paused, "I38: schedule %s is paused and decides: %s",
              s->name, schedule_run_state_names[t->state]);
    if (t->state == SCHEDULE_RUN_STARTED)
        check_started(s, t);
    else if (t->state != SCHEDULE_RUN_MISSED && !is_held(s, t))
        check_held_up(s, t);
}

static void check_run_of(const struct mirror_schedule *s, const struct mirror_time *t)
{
    const struct mirror_run *r = mirror_run(t->run);

    sim_check(t->state != SCHEDULE_RUN_STARTED || r,
              "I14: a time of %s has a run that is none", s->name);
}

/* Runs that the schedule keeps apart, and are open. */
static void check_apart(const struct mirror_schedule *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->runs.n; i++) {
        if (!schedule_run_is_open(s->runs.items[i]))
            continue;
        n++;
        if (is(s->overlap, "allow"))
            continue;
        sim_check(n == 1, "I37: two runs of %s are open, and it says %s", s->name,
                  s->overlap);
        sim_check(s->active_run == s->runs.items[i],
                  "I37: %s has forgotten run %lld, which is open", s->name,
                  (long long)s->runs.items[i]);
    }
    if (n > 1)
        sim_seen(SEEN_OVERLAP_ALLOWED);
}

/* What its row says of those that wait. */
static void check_waiting(const struct mirror_schedule *s)
{
    struct ff_err err;
    json_t *list =
        s->waiting[0] ? json_parse(s->waiting, strlen(s->waiting), &err) : json_array();

    const int64_t n_waiting = s->n_waiting - (s->held_at > 0);
    sim_check((int64_t)json_array_size(list) == n_waiting,
              "I37: of %s %lld times wait, and its row says %s", s->name,
              (long long)n_waiting, s->waiting);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const int64_t at = json_integer_value(json_array_get(list, i));
        const struct mirror_time *t = schedule_time(s, at);
        sim_check(t && t->state == SCHEDULE_RUN_WAITING,
                  "I37: %s says that a time waits which does not", s->name);
    }
    json_decref(list);
    sim_check(!is(s->overlap, "cancel") || n_waiting <= 1,
              "I37: %lld times of %s wait for one to be cancelled",
              (long long)n_waiting, s->name);
}

static void check_times(const struct mirror_schedule *s)
{
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *t = value;
        if (t->put_in != mirror.n_commits)
            continue;
        check_run_of(s, t);
        check_time(s, t);
    }
}

void apart_check(const struct mirror_schedule *s)
{
    check_times(s);
    if (s->touched_at == sim.now)
        check_waiting(s);
    if (s->is_there)
        check_apart(s);
}
