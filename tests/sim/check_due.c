/* check_due.c - which times a schedule has, by arithmetic of its own, and what is to
 * become of them: none is left out without a word, none begins early, and of several
 * that are due the latest begins if it is not too late (I36). */
#include "schedules.h"

#include <string.h>

int64_t due_next(const struct mirror_schedule *s, int64_t after_us)
{
    if (s->every_us == 0)
        return INT64_MAX;
    return ((after_us - s->offset_us) / s->every_us + 1) * s->every_us + s->offset_us;
}

bool due_is_time(const struct mirror_schedule *s, int64_t at_us)
{
    return s->every_us > 0 && (at_us - s->offset_us) % s->every_us == 0;
}

/* That jitter is the same each time, and below its limit, is tested elsewhere. */
static int64_t due_at(const struct mirror_schedule *s, int64_t at_us)
{
    const int64_t most_us = s->jitter_us < s->every_us ? s->jitter_us : s->every_us;

    if (at_us == INT64_MAX || most_us == 0)
        return at_us;
    const int64_t jitter_us = recurrence_jitter_us(s->name, at_us, most_us);
    sim_check(jitter_us >= 0 && jitter_us <= most_us, "I36: %s waits %lld us", s->name,
              (long long)jitter_us);
    if (jitter_us > 0)
        sim_seen(SEEN_JITTERED);
    return at_us + jitter_us;
}

/* What this commit says of a time of its own; those that waited are no news. */
static bool is_said(const struct mirror_time *t)
{
    return t && t->first_in == mirror.n_commits && strcmp(t->cause, "time") == 0;
}

static int64_t decided_at(const struct mirror_schedule *s)
{
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);)
        if (is_said(value))
            return ((const struct mirror_time *)value)->decided_at;
    return MODEL_NULL;
}

static int64_t count_said(const struct mirror_schedule *s)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);)
        n += is_said(value);
    return n;
}

static void check_latest(const struct mirror_schedule *s, int64_t at_us, int64_t now_us)
{
    const struct mirror_time *t = schedule_time(s, at_us);

    sim_check(is_said(t) && t->state != SCHEDULE_RUN_MISSED,
              "I36: %s: time %lld is in time, and nothing becomes of it", s->name,
              (long long)(at_us - SIM_EPOCH_US));
    sim_seen(now_us - due_at(s, at_us) > UNITS_SECOND ? SEEN_FIRED_LATE : SEEN_FIRED);
}

static void check_missed(const struct mirror_schedule *s, int64_t first_us)
{
    const struct mirror_time *t = schedule_time(s, first_us);

    sim_check(is_said(t) && t->state == SCHEDULE_RUN_MISSED,
              "I36: %s: time %lld is too late, and it is not said", s->name,
              (long long)(first_us - SIM_EPOCH_US));
    sim_seen(SEEN_MISSED);
}

void due_check(const struct mirror_schedule *s)
{
    const int64_t now_us = decided_at(s);
    const int64_t first_us = due_next(s, s->before.last_at);
    int64_t latest_us = MODEL_NULL, n_missed = 0;

    if (strcmp(s->kind, "cron") != 0 && strcmp(s->kind, "interval") != 0)
        return;
    if (s->last_at == s->before.last_at && now_us == MODEL_NULL)
        return;
    sim_check(now_us != MODEL_NULL && first_us <= s->last_at,
              "I36: %s passes over times without a word", s->name);
    for (int64_t at = first_us; at <= s->last_at; at = due_next(s, at)) {
        sim_check(due_at(s, at) <= now_us, "I36: %s begins %lld us early", s->name,
                  (long long)(due_at(s, at) - now_us));
        if (now_us - due_at(s, at) <= s->catchup_us)
            latest_us = at;
        n_missed++;
    }
    sim_check(due_at(s, due_next(s, s->last_at)) > now_us,
              "I36: %s leaves out a time that is due", s->name);
    n_missed -= latest_us != MODEL_NULL;
    if (latest_us != MODEL_NULL)
        check_latest(s, latest_us, now_us);
    if (n_missed > 0)
        check_missed(s, first_us);
    if (n_missed > 1)
        sim_seen(SEEN_MISSED_SEVERAL);
    if (latest_us == MODEL_NULL)
        sim_seen(SEEN_MISSED_ALL);
    const int64_t n_said = count_said(s);
    sim_check(n_said == (latest_us != MODEL_NULL) + (n_missed > 0),
              "I36: %s decides of %lld times at once", s->name, (long long)n_said);
}

void due_check_now(const struct mirror_schedule *s, int64_t wall_us)
{
    const int64_t next_us = due_next(s, s->last_at);

    sim_check(next_us == INT64_MAX || wall_us - due_at(s, next_us) < SCHEDULE_LATE_US,
              "I36: %s has forgotten its time %lld", s->name,
              (long long)(next_us - SIM_EPOCH_US));
}
