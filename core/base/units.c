/* base/units.c - durations and sizes; times are in units_time.c. */
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define MILLISECOND  INT64_C(1000)
#define MINUTE       (60 * UNITS_SECOND)
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)
#define DURATION_MAX (36525 * DAY) /* 100 years */

struct unit {
    const char *name;
    int64_t factor;
};

/* Longest first where one is the start of another. */
static const struct unit short_units[] = {
    {"d", DAY}, {"h", HOUR}, {"ms", MILLISECOND}, {"m", MINUTE}, {"s", UNITS_SECOND},
};

static const struct unit iso_date_units[] = {{"D", DAY}};
static const struct unit iso_time_units[] = {
    {"H", HOUR}, {"M", MINUTE}, {"S", UNITS_SECOND}};

/* As Kubernetes has it: K is 1000, Ki is 1024; a final B changes nothing. */
static const struct unit size_units[] = {
    {"Ki", INT64_C(1) << 10},
    {"Mi", INT64_C(1) << 20},
    {"Gi", INT64_C(1) << 30},
    {"Ti", INT64_C(1) << 40},
    {"Pi", INT64_C(1) << 50},
    {"k", 1000},
    {"K", 1000},
    {"M", INT64_C(1000) * 1000},
    {"G", INT64_C(1000) * 1000 * 1000},
    {"T", INT64_C(1000) * 1000 * 1000 * 1000},
    {"P", INT64_C(1000) * 1000 * 1000 * 1000 * 1000},
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* Moves *text past a number without sign; false when there is none or it is too big. */
static bool take_number(const char **text, int64_t *n)
{
    const char *at = *text;
    int64_t value = 0;

    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == *text)
        return false;
    *text = at;
    *n = value;
    return true;
}

static const struct unit *take_unit(const char **text, const struct unit *units,
                                    size_t n_units)
{
    for (size_t i = 0; i < n_units; i++) {
        const size_t len = strlen(units[i].name);

        if (strncmp(*text, units[i].name, len) == 0) {
            *text += len;
            return &units[i];
        }
    }
    return NULL;
}

/* One or more numbers, each with its unit, big units first, up to stop or the end. */
static bool take_parts(const char **text, const struct unit *units, size_t n_units,
                       char stop, int64_t *total)
{
    int64_t smallest = INT64_MAX;

    do {
        int64_t n = 0;
        int64_t part = 0;

        if (!take_number(text, &n))
            return false;
        const struct unit *unit = take_unit(text, units, n_units);

        if (!unit || unit->factor >= smallest)
            return false;
        if (__builtin_mul_overflow(n, unit->factor, &part) ||
            __builtin_add_overflow(*total, part, total))
            return false;
        smallest = unit->factor;
    } while (**text && **text != stop);
    return true;
}

static bool iso_duration(const char *text, int64_t *total)
{
    if (*text != 'T' &&
        !take_parts(&text, iso_date_units, N(iso_date_units), 'T', total))
        return false;
    if (*text == '\0')
        return true;
    text++;
    return take_parts(&text, iso_time_units, N(iso_time_units), '\0', total);
}

bool units_duration(const char *text, int64_t *us)
{
    int64_t total = 0;
    bool good = false;

    if (text[0] == 'P')
        good = iso_duration(text + 1, &total);
    else
        good = take_parts(&text, short_units, N(short_units), '\0', &total);
    if (!good || total > DURATION_MAX)
        return false;
    *us = total;
    return true;
}

bool units_size(const char *text, int64_t *bytes)
{
    int64_t n = 0;

    if (!take_number(&text, &n))
        return false;
    const struct unit *unit = take_unit(&text, size_units, N(size_units));

    if (unit && __builtin_mul_overflow(n, unit->factor, &n))
        return false;
    if (*text == 'B')
        text++;
    if (*text)
        return false;
    *bytes = n;
    return true;
}

void units_duration_text(int64_t us, char out[UNITS_TEXT])
{
    const char *sign = us < 0 ? "-" : "";
    const uint64_t ms = (us < 0 ? 0 - (uint64_t)us : (uint64_t)us) / 1000;
    const unsigned long long seconds = ms / 1000;

    if (ms < 1000)
        snprintf(out, UNITS_TEXT, "%s%dms", ms ? sign : "", (int)ms);
    else if (seconds < 60)
        snprintf(out, UNITS_TEXT, "%s%llu.%ds", sign, seconds, (int)(ms % 1000 / 100));
    else if (seconds < 3600)
        snprintf(out, UNITS_TEXT, "%s%llum%02llus", sign, seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(out, UNITS_TEXT, "%s%lluh%02llum", sign, seconds / 3600,
                 seconds / 60 % 60);
    else
        snprintf(out, UNITS_TEXT, "%s%llud%02lluh", sign, seconds / 86400,
                 seconds / 3600 % 24);
}

void units_size_text(int64_t bytes, char out[UNITS_TEXT])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const char *sign = bytes < 0 ? "-" : "";
    const uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    size_t power = 0;

    while (size >> (power * 10) >= 1024)
        power++;
    if (power == 0) {
        snprintf(out, UNITS_TEXT, "%s%d B", sign, (int)size);
        return;
    }
    const uint64_t unit = UINT64_C(1) << (power * 10);

    snprintf(out, UNITS_TEXT, "%s%d.%d %s", sign, (int)(size / unit),
             (int)(size % unit * 10 / unit), names[power]);
}
