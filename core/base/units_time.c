/* base/units_time.c - RFC 3339 times. UTC only; knows no time zones and no clock. */
#include "base/units.h"

#define DAY_US (86400 * UNITS_SECOND)

/* RFC 3339 has four digits for the year; what lies beyond is shown as the end. */
#define YEAR_0        (-719528 * DAY_US)
#define YEAR_9999_END (2932897 * DAY_US - 1)

struct civil {
    int64_t year;
    int month, day;
};

/* Days since 1970-01-01 and back, proleptic Gregorian: H. Hinnant's days_from_civil
 * and civil_from_days. Years begin in March, so that the leap day comes last. */
static int64_t days_of(struct civil c)
{
    const int64_t year = c.month <= 2 ? c.year - 1 : c.year;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_of(int64_t days)
{
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t doe = days - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int march_month = (int)((5 * doy + 2) / 153);
    const int day = (int)(doy - (153 * march_month + 2) / 5 + 1);
    const int month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct civil){
        .year = yoe + era * 400 + (month <= 2 ? 1 : 0), .month = month, .day = day};
}

/* n_digits digits and what follows them. */
static char *put(char *at, int64_t value, int n_digits, char after)
{
    for (int i = n_digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    at[n_digits] = after;
    return at + n_digits + 1;
}

void units_time_text(int64_t us, char out[UNITS_TEXT])
{
    if (us < YEAR_0)
        us = YEAR_0;
    if (us > YEAR_9999_END)
        us = YEAR_9999_END;
    const int64_t in_day = (us % DAY_US + DAY_US) % DAY_US;
    const int64_t seconds = in_day / UNITS_SECOND;
    const struct civil c = civil_of((us - in_day) / DAY_US);
    char *at = put(out, c.year, 4, '-');

    at = put(at, c.month, 2, '-');
    at = put(at, c.day, 2, 'T');
    at = put(at, seconds / 3600, 2, ':');
    at = put(at, seconds / 60 % 60, 2, ':');
    at = put(at, seconds % 60, 2, '.');
    at = put(at, in_day % UNITS_SECOND, 6, 'Z');
    *at = '\0';
}

/* Exactly n_digits digits; -1 when they are not. */
static int take_digits(const char **text, int n_digits)
{
    int value = 0;

    for (int i = 0; i < n_digits; i++) {
        const char c = **text;

        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
        (*text)++;
    }
    return value;
}

static bool take_one_of(const char **text, const char *chars)
{
    for (; *chars; chars++) {
        if (**text == *chars) {
            (*text)++;
            return true;
        }
    }
    return false;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **text, int64_t *us)
{
    struct civil c = {.year = take_digits(text, 4)};

    if (c.year < 0 || !take_one_of(text, "-"))
        return false;
    c.month = take_digits(text, 2);
    if (c.month < 1 || c.month > 12 || !take_one_of(text, "-"))
        return false;
    c.day = take_digits(text, 2);
    if (c.day < 1 || c.day > days_in_month(c.year, c.month))
        return false;
    *us = days_of(c) * DAY_US;
    return true;
}

/* hh:mm, added to *us with this sign. */
static bool take_hours(const char **text, int sign, int64_t *us)
{
    const int hours = take_digits(text, 2);

    if (hours < 0 || hours > 23 || !take_one_of(text, ":"))
        return false;
    const int minutes = take_digits(text, 2);

    if (minutes < 0 || minutes > 59)
        return false;
    *us += INT64_C(60) * sign * (hours * 60 + minutes) * UNITS_SECOND;
    return true;
}

/* A leap second counts as the first of the next minute, as POSIX has it. */
static bool take_seconds(const char **text, int64_t *us)
{
    const int seconds = take_digits(text, 2);

    if (seconds < 0 || seconds > 60)
        return false;
    *us += seconds * UNITS_SECOND;
    if (!take_one_of(text, "."))
        return true;
    int64_t weight = UNITS_SECOND / 10;
    int digit = take_digits(text, 1);

    if (digit < 0)
        return false;
    for (; digit >= 0; digit = take_digits(text, 1)) {
        *us += digit * weight;
        weight /= 10;
    }
    return true;
}

static bool take_offset(const char **text, int64_t *us)
{
    if (take_one_of(text, "Zz"))
        return true;
    if (take_one_of(text, "+"))
        return take_hours(text, -1, us);
    return take_one_of(text, "-") && take_hours(text, 1, us);
}

bool units_time(const char *text, int64_t *us)
{
    int64_t total = 0;
    const bool good = take_date(&text, &total) && take_one_of(&text, "Tt") &&
                      take_hours(&text, 1, &total) && take_one_of(&text, ":") &&
                      take_seconds(&text, &total) && take_offset(&text, &total) &&
                      *text == '\0';

    if (good)
        *us = total;
    return good;
}
