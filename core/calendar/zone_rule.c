/* zone_rule.c - the rule behind a zone's table: a TZ string as in POSIX, such as
 * CET-1CEST,M3.5.0,M10.5.0/3, with hours from -167 to 167 (RFC 8536, version 3). Names
 * of zones that it holds are skipped, offsets turned round: POSIX counts them to the
 * west. */
#include "calendar/calendar_priv.h"

#define HOURS_MAX 167

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* CET or <+03>; POSIX wants three letters, which is left to who writes the file. */
static bool take_name(const char **text)
{
    const char *at = *text;

    if (*at == '<') {
        while (*at && *at != '>')
            at++;
        if (*at != '>')
            return false;
        *text = at + 1;
        return true;
    }
    while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
        at++;
    const bool good = at > *text;
    *text = at;
    return good;
}

/* A number without sign, at most max; -1 when there is none. */
static int take_number(const char **text, int max)
{
    int value = 0;

    if (!is_digit(**text))
        return -1;
    for (; is_digit(**text); (*text)++) {
        value = value * 10 + (**text - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(const char **text, int64_t *seconds)
{
    const int sign = **text == '-' ? -1 : 1;
    int64_t unit = 3600;

    if (**text == '-' || **text == '+')
        (*text)++;
    const int hours = take_number(text, HOURS_MAX);
    if (hours < 0)
        return false;
    int64_t total = hours * unit;
    while (**text == ':' && unit > 1) {
        (*text)++;
        const int part = take_number(text, 59);
        if (part < 0)
            return false;
        unit /= 60;
        total += part * unit;
    }
    *seconds = sign * total;
    return true;
}

static bool take_offset(const char **text, int64_t *ahead_s)
{
    int64_t west_s;

    if (!take_time(text, &west_s))
        return false;
    *ahead_s = -west_s;
    return *ahead_s > OFFSET_MIN_S && *ahead_s < OFFSET_MAX_S;
}

/* A number from min to max behind this character; -1. */
static int take_part(const char **text, char before, int min, int max)
{
    if (**text != before)
        return -1;
    (*text)++;
    const int value = take_number(text, max);
    return value >= min ? value : -1;
}

static bool take_day(const char **text, struct rule_change *change)
{
    if (**text == 'M') {
        change->kind = RULE_MONTH;
        change->month = take_part(text, 'M', 1, 12);
        change->week = take_part(text, '.', 1, 5);
        change->day = take_part(text, '.', 0, 6);
        return change->month > 0 && change->week > 0 && change->day >= 0;
    }
    if (**text == 'J') {
        change->kind = RULE_JULIAN;
        change->day = take_part(text, 'J', 1, 365);
        return change->day > 0;
    }
    change->kind = RULE_DAY;
    change->day = take_number(text, 365);
    return change->day >= 0;
}

static bool take_change(const char **text, struct rule_change *change)
{
    change->time_s = INT64_C(2) * 3600;
    if (**text != ',')
        return false;
    (*text)++;
    if (!take_day(text, change))
        return false;
    if (**text != '/')
        return true;
    (*text)++;
    return take_time(text, &change->time_s);
}

static bool parse(const char *text, struct zone_rule *rule)
{
    if (!take_name(&text) || !take_offset(&text, &rule->std_s))
        return false;
    rule->has_dst = *text != '\0';
    if (!rule->has_dst)
        return true;
    if (!take_name(&text))
        return false;
    rule->dst_s = rule->std_s + 3600;
    if (*text == ',' ? rule->dst_s >= OFFSET_MAX_S : !take_offset(&text, &rule->dst_s))
        return false;
    /* POSIX lets the dates be left out and says not what they are then. */
    return take_change(&text, &rule->start) && take_change(&text, &rule->end) && !*text;
}

int zone_rule_parse(const char *text, struct zone_rule *rule, struct ff_err *err)
{
    struct zone_rule r = {0};

    if (!parse(text, &r))
        return ff_fail(err, FF_INVALID, 0, "the rule '%.60s' is not understood", text);
    *rule = r;
    return FF_OK;
}

/* --- the changes of a year --- */

/* Days since 1970 of Mm.w.d: the w-th weekday d of the month, 5 being the last. */
static int64_t month_day(const struct rule_change *change, int64_t year)
{
    const int64_t first =
        civil_days((struct civil){.year = year, .month = change->month, .day = 1});
    const int n_days = civil_days_in_month(year, change->month);
    int day = (change->day - civil_weekday(first) + 7) % 7 + (change->week - 1) * 7;

    if (day >= n_days)
        day -= 7;
    return first + day;
}

static int64_t change_day(const struct rule_change *change, int64_t year)
{
    const int64_t first =
        civil_days((struct civil){.year = year, .month = 1, .day = 1});
    const bool leap = civil_days_in_month(year, 2) == 29;

    if (change->kind == RULE_MONTH)
        return month_day(change, year);
    if (change->kind == RULE_DAY)
        return first + change->day;
    return first + change->day - 1 + (leap && change->day >= 60 ? 1 : 0);
}

/* At which instant; before_s: the offset that is in force until then. */
static int64_t change_at(const struct rule_change *change, int64_t year,
                         int64_t before_s)
{
    return change_day(change, year) * DAY_S + change->time_s - before_s;
}

static int64_t year_of(const struct zone_rule *rule, int64_t at_s)
{
    return civil_of_days(floor_div(at_s + rule->std_s, DAY_S)).year;
}

int64_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s)
{
    int64_t latest = INT64_MIN;
    int64_t offset = rule->std_s;

    if (!rule->has_dst)
        return offset;
    /* A change may lie up to a week and a day beyond its year, so the last one until
     * now may belong to the year before the last. */
    const int64_t year = year_of(rule, at_s);
    for (int64_t y = year - 2; y <= year + 1; y++) {
        const int64_t end = change_at(&rule->end, y, rule->dst_s);
        const int64_t start = change_at(&rule->start, y, rule->std_s);
        if (end <= at_s && end > latest) {
            latest = end;
            offset = rule->std_s;
        }
        /* Where both fall together summer time goes on: so a zone says that it has
         * nothing else. */
        if (start <= at_s && start >= latest) {
            latest = start;
            offset = rule->dst_s;
        }
    }
    return offset;
}

int64_t zone_rule_next_s(const struct zone_rule *rule, int64_t at_s)
{
    int64_t next = INT64_MAX;

    if (!rule->has_dst)
        return next;
    const int64_t year = year_of(rule, at_s);
    for (int64_t y = year - 1; y <= year + 2; y++) {
        const int64_t changes[] = {change_at(&rule->start, y, rule->std_s),
                                   change_at(&rule->end, y, rule->dst_s)};
        for (size_t i = 0; i < COUNT_OF(changes); i++)
            if (changes[i] > at_s && changes[i] < next)
                next = changes[i];
    }
    return next;
}
