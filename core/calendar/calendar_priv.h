/* calendar/calendar_priv.h - the inside of the room: cron.c and cron_day.c read
 * expressions, cron_next.c looks for matching minutes, zone.c holds the table of a
 * zone, zone_file.c reads it, zone_rule.c knows the years after it, recurrence.c puts
 * cron and zone together. */
#ifndef CALENDAR_CALENDAR_PRIV_H
#define CALENDAR_CALENDAR_PRIV_H

#include "calendar/calendar.h"

#define DAY_S     INT64_C(86400)
#define MINUTE_US (60 * UNITS_SECOND)

/* RFC 8536 allows offsets from -25 h to +26 h, both exclusive. */
#define OFFSET_MIN_S (INT64_C(-25) * 3600)
#define OFFSET_MAX_S (INT64_C(26) * 3600)

/* Instants beyond are not asked of a zone: nothing of a file can overflow. */
#define INSTANT_MAX_S INT64_C(250000000000) /* the year 9892 */

/* Rounds down, also below zero. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* --- cron --- */

struct cron_field {
    const char *name;
    int min, max;
    const char *const *words; /* of values min, min + 1 ...; NULL at the end, or NULL */
};

/* One value: a number or a word; *text moves behind it. -1 with err. */
int cron_take_value(const struct cron_field *field, const char **text,
                    struct ff_err *err);
/* An item of a day field that only such fields have: L, LW, 15W, 5L, 5#3. FF_OK when it
 * was one and is in cron; FF_NOT_FOUND when it is none of these. */
int cron_take_day_item(const struct cron_field *field, const char *item,
                       struct cron *cron, struct ff_err *err);
int cron_take_weekday_item(const struct cron_field *field, const char *item,
                           struct cron *cron, struct ff_err *err);

/* --- zones --- */

enum rule_day { RULE_JULIAN, RULE_DAY, RULE_MONTH }; /* J60, 59, M3.5.0 */

/* One change of a year: on which day, at which time on the wall. */
struct rule_change {
    enum rule_day kind;
    int month, week, day;
    int64_t time_s;
};

/* The footer of a TZif file: a TZ string as POSIX has it, with the hours of version 3.
 */
struct zone_rule {
    bool has_dst;
    int64_t std_s, dst_s; /* ahead of UTC */
    struct rule_change start, end;
};

struct zone {
    size_t n_changes;
    int64_t *changes_s; /* ascending */
    int32_t *offsets_s; /* from changes_s[i] on */
    int64_t first_s;    /* offset before the first change */
    bool has_rule;      /* for all that comes after the last change */
    struct zone_rule rule;
};

int zone_rule_parse(const char *text, struct zone_rule *rule, struct ff_err *err);
int64_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s);
/* The first change after at_s; INT64_MAX: it has none. */
int64_t zone_rule_next_s(const struct zone_rule *rule, int64_t at_s);

#endif
