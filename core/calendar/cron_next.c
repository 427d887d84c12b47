/* cron_next.c - the next minute that a cron expression matches, on a wall clock that is
 * never changed. */
#include "calendar/calendar_priv.h"

#define DAY_MINUTES 1440
#define CYCLE_DAYS  146097 /* after 400 years dates and weekdays come again */

static bool has_bit(uint64_t bits, int bit)
{
    return (bits >> bit) & 1;
}

static bool is_working_day(int weekday)
{
    return weekday >= 1 && weekday <= 5;
}

/* 15W: the 15th, or of Saturday the day before and of Sunday the day after; but never
 * in another month, where it is two days the other way. */
static int nearest_working_day(int day, int weekday, int n_days)
{
    if (weekday == 6)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 0)
        return day < n_days ? day + 1 : day - 2;
    return day;
}

static bool matches_nearest(const struct cron *c, int day, int weekday, int n_days)
{
    if (!is_working_day(weekday))
        return false;
    for (int near = day - 2; near <= day + 2; near++) {
        const int near_weekday = (weekday + near - day + 7) % 7;
        if (near >= 1 && near <= n_days && has_bit(c->nearest_weekday, near) &&
            nearest_working_day(near, near_weekday, n_days) == day)
            return true;
    }
    return false;
}

static bool matches_month_day(const struct cron *c, int day, int weekday, int n_days)
{
    const int last_weekday = (weekday + n_days - day) % 7;

    if (has_bit(c->days, day) || (c->last_day && day == n_days))
        return true;
    if (c->last_weekday && nearest_working_day(n_days, last_weekday, n_days) == day)
        return true;
    return c->nearest_weekday && matches_nearest(c, day, weekday, n_days);
}

static bool matches_weekday(const struct cron *c, int day, int weekday, int n_days)
{
    return has_bit(c->weekdays, weekday) ||
           has_bit(c->nth_weekdays, 8 * weekday + (day - 1) / 7 + 1) ||
           (has_bit(c->last_weekdays, weekday) && day + 7 > n_days);
}

static bool matches_day(const struct cron *c, struct civil date, int weekday)
{
    const int n_days = civil_days_in_month(date.year, date.month);
    const bool by_day = matches_month_day(c, date.day, weekday, n_days);
    const bool by_weekday = matches_weekday(c, date.day, weekday, n_days);

    return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* The first matching minute of a day from this one on, or -1. */
static int next_in_day(const struct cron *c, int minute)
{
    for (int hour = minute / 60; hour < 24; hour++) {
        const int from = hour == minute / 60 ? minute % 60 : 0;
        const uint64_t left = c->minutes >> from;
        if (has_bit(c->hours, hour) && left)
            return hour * 60 + from + __builtin_ctzll(left);
    }
    return -1;
}

bool cron_next_minute(const struct cron *c, int64_t minute, int64_t *next)
{
    int64_t day = floor_div(minute + 1, DAY_MINUTES);
    int from = (int)(minute + 1 - day * DAY_MINUTES);
    const int64_t end = day + CYCLE_DAYS;

    while (day <= end) {
        const struct civil date = civil_of_days(day);
        if (!has_bit(c->months, date.month)) {
            day += civil_days_in_month(date.year, date.month) - date.day + 1;
            from = 0;
            continue;
        }
        const int found =
            matches_day(c, date, civil_weekday(day)) ? next_in_day(c, from) : -1;
        if (found >= 0) {
            *next = day * DAY_MINUTES + found;
            return true;
        }
        day++;
        from = 0;
    }
    return false;
}
