/* base/units_time.c - RFC 3339 times. UTC only; knows no time zones and no clock. */
#include "base/units.h"

#include "base/civil.h"

#define DAY_US (86400 * UNITS_SECOND)

/* RFC 3339 has four digits for the year; what lies beyond is shown as the end. */
#define YEAR_0        (-719528 * DAY_US)
#define YEAR_9999_END (2932897 * DAY_US - 1)

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
    const struct civil c = civil_of_days((us - in_day) / DAY_US);
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

static bool take_date(const char **text, int64_t *us)
{
    struct civil c = {.year = take_digits(text, 4)};

    if (c.year < 0 || !take_one_of(text, "-"))
        return false;
    c.month = take_digits(text, 2);
    if (c.month < 1 || c.month > 12 || !take_one_of(text, "-"))
        return false;
    c.day = take_digits(text, 2);
    if (c.day < 1 || c.day > civil_days_in_month(c.year, c.month))
        return false;
    *us = civil_days(c) * DAY_US;
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
