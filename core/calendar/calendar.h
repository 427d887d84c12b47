/* calendar/calendar.h - when something recurs: cron expressions and intervals, in time
 * zones. Pure: who knows the present asks for the next instant after it, and who can
 * read files hands in the bytes of a zone.
 *
 * All instants are microseconds since 1970 in UTC, as in the rest of the core; those
 * that come out lie on whole seconds. */
#ifndef CALENDAR_CALENDAR_H
#define CALENDAR_CALENDAR_H

#include "base/base.h"

/* --- cron --- */

/* Minute, hour, day of the month, month, day of the week: each a bit set of the values
 * that match. A day matches as POSIX has it: by both day fields when one of them is
 * `*`, by either when both say something. */
struct cron {
    uint64_t minutes;         /* bits 0..59 */
    uint32_t hours;           /* 0..23 */
    uint32_t days;            /* 1..31 */
    uint32_t months;          /* 1..12 */
    uint32_t weekdays;        /* 0..6, Sunday is 0 */
    uint64_t nth_weekdays;    /* 5#3: bit 8 * 5 + 3 */
    uint32_t last_weekdays;   /* 5L: the last Friday of the month */
    uint32_t nearest_weekday; /* 15W: the day from Monday to Friday nearest the 15th */
    bool last_day;            /* L */
    bool last_weekday;        /* LW: the last day from Monday to Friday */
    bool any_day, any_weekday;
    /* Every minute or every hour matches: then it follows real time where clocks are
     * changed, instead of happening once for each time on the wall. */
    bool follows_time;
};

#define CRON_MAX_LEN 512

/* FF_INVALID with a sentence that names the field. Also when no day ever matches. */
int cron_parse(const char *text, struct cron *cron, struct ff_err *err);

/* The first matching minute after `minute`, both in minutes since 1970-01-01 00:00 on
 * some wall clock. False: there is none in the next 400 years, so none at all. */
bool cron_next_minute(const struct cron *cron, int64_t minute, int64_t *next);

/* --- time zones --- */

struct zone;

extern const struct zone *const zone_utc;

/* From the bytes of a TZif file (RFC 8536, versions 1 to 4), with the rule in its
 * footer for all the years after its table. FF_INVALID; also for a file that counts
 * leap seconds. Free it with zone_free, which takes NULL. */
struct zone *zone_new(const void *tzif, size_t len, struct ff_err *err);
void zone_free(struct zone *z);

#define ZONE_MAX_BYTES (1u << 20)
#define ZONE_MAX_NAME  64

/* May it stand after the folder of zones: "Europe/Berlin", no "..", no leading '/'. */
bool zone_name_is_valid(const char *name);

/* Seconds that the wall clock is ahead of UTC. */
int64_t zone_offset_s(const struct zone *z, int64_t at_us);
/* The first instant after at_us at which the offset may change; INT64_MAX: none. */
int64_t zone_next_change_us(const struct zone *z, int64_t at_us);

/* RFC 3339 with the zone's offset, to the second: 2026-11-21T20:20:37+01:00 */
void zone_time_text(const struct zone *z, int64_t at_us, char out[UNITS_TEXT]);

/* --- both together --- */

enum recurrence_kind { RECUR_CRON, RECUR_INTERVAL };

struct recurrence {
    enum recurrence_kind kind;
    struct cron cron;
    const struct zone *zone; /* of cron; borrowed */
    int64_t every_us;        /* of an interval: the multiples of it since 1970 ... */
    int64_t offset_us;       /* ... and so much later */
};

/* The first instant after after_us. False: there is none.
 *
 * Where clocks go forward, a time that does not exist is the first instant after the
 * gap. Where they go back, a time that comes twice counts once, the first time. Several
 * that fall on one instant are one. With follows_time none of this: each matching time
 * that is shown counts whenever it is shown. */
bool recurrence_next(const struct recurrence *r, int64_t after_us, int64_t *next_us);

/* The share of max_us by which something of this name waits at this instant: the same
 * each time it is asked. */
int64_t recurrence_jitter_us(const char *name, int64_t at_us, int64_t max_us);

#endif
