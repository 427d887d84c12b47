/* civil.c - days since 1970-01-01 and back: H. Hinnant's days_from_civil and
 * civil_from_days. Years begin in March, so that the leap day comes last. */
#include "base/civil.h"

#include <stdbool.h>

int64_t civil_days(struct civil c)
{
    const int64_t year = c.month <= 2 ? c.year - 1 : c.year;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

struct civil civil_of_days(int64_t days)
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

int civil_days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

int civil_weekday(int64_t days)
{
    const int64_t since_sunday = (days + 4) % 7; /* 1970-01-01 was a Thursday */

    return (int)(since_sunday < 0 ? since_sunday + 7 : since_sunday);
}
