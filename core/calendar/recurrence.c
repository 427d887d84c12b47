/* recurrence.c - the next instant of a cron expression in a zone, or of an interval.
 *
 * A time on the wall happens at the first instant at which the wall shows it or more:
 * that is the first of two where clocks go back, and the end of the gap where they go
 * forward. So the next instant after t is that of the first matching time above all
 * that the wall has shown until t. */
#include "calendar/calendar_priv.h"

/* Beyond these the zone's table of instants ends. */
#define LATEST_US (INSTANT_MAX_S * UNITS_SECOND)

/* Before this the wall cannot have shown more than now, whatever the zone did. */
#define LOOK_BACK_US ((OFFSET_MAX_S - OFFSET_MIN_S + 3600) * UNITS_SECOND)

static int64_t offset_us(const struct zone *z, int64_t at_us)
{
    return zone_offset_s(z, at_us) * UNITS_SECOND;
}

/* The highest time that the wall has shown until at_us. */
static int64_t highest_shown_us(const struct zone *z, int64_t at_us)
{
    int64_t highest = at_us + offset_us(z, at_us);

    for (int64_t from = at_us - LOOK_BACK_US; from <= at_us;) {
        const int64_t change = zone_next_change_us(z, from);
        const int64_t last = change <= at_us ? change - 1 : at_us;
        const int64_t shown = last + offset_us(z, from);
        if (shown > highest)
            highest = shown;
        from = last + 1;
    }
    return highest;
}

/* The first instant at which the wall shows wall_us or more. */
static int64_t first_shown_us(const struct zone *z, int64_t wall_us)
{
    int64_t from = wall_us - OFFSET_MAX_S * UNITS_SECOND;

    for (;;) {
        const int64_t change = zone_next_change_us(z, from);
        int64_t at = wall_us - offset_us(z, from);
        if (at < from)
            at = from;
        if (at < change)
            return at;
        from = change;
    }
}

static bool next_on_wall(const struct recurrence *r, int64_t after_us, int64_t *next_us)
{
    const int64_t shown = highest_shown_us(r->zone, after_us);
    int64_t minute;

    if (!cron_next_minute(&r->cron, floor_div(shown, MINUTE_US), &minute))
        return false;
    *next_us = first_shown_us(r->zone, minute * MINUTE_US);
    return true;
}

/* Where to look on, when the next time on the wall lies behind a change: there; but two
 * days after now the wall shows nothing any more that it has shown until now, so from
 * then on nothing comes before that time is near. */
static int64_t look_on_us(int64_t after_us, int64_t change_us, int64_t wall_us)
{
    const int64_t near_us = wall_us - OFFSET_MAX_S * UNITS_SECOND;

    return near_us > after_us + LOOK_BACK_US && near_us > change_us ? near_us
                                                                    : change_us;
}

/* From change to change: in between the offset stays as it is. */
static bool next_in_time(const struct recurrence *r, int64_t after_us, int64_t *next_us)
{
    while (after_us < LATEST_US) {
        const int64_t offset = offset_us(r->zone, after_us + 1);
        const int64_t change = zone_next_change_us(r->zone, after_us + 1);
        int64_t minute;
        if (!cron_next_minute(&r->cron, floor_div(after_us + offset, MINUTE_US),
                              &minute))
            return false;
        *next_us = minute * MINUTE_US - offset;
        if (*next_us < change)
            return true;
        after_us = look_on_us(after_us, change, minute * MINUTE_US) - 1;
    }
    return false;
}

static bool next_multiple(const struct recurrence *r, int64_t after_us,
                          int64_t *next_us)
{
    const int64_t n = floor_div(after_us - r->offset_us, r->every_us) + 1;

    *next_us = n * r->every_us + r->offset_us;
    return true;
}

bool recurrence_next(const struct recurrence *r, int64_t after_us, int64_t *next_us)
{
    if (after_us >= LATEST_US || after_us <= -LATEST_US)
        return false;
    if (r->kind == RECUR_INTERVAL)
        return next_multiple(r, after_us, next_us);
    return r->cron.follows_time ? next_in_time(r, after_us, next_us)
                                : next_on_wall(r, after_us, next_us);
}

int64_t recurrence_jitter_us(const char *name, int64_t at_us, int64_t max_us)
{
    uint64_t hash = 0;

    for (; *name; name++)
        hash = rand_mix(hash ^ (uint8_t)*name);
    return max_us > 0 ? (int64_t)(rand_mix(hash ^ (uint64_t)at_us) % (uint64_t)max_us)
                      : 0;
}
