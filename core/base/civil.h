/* base/civil.h - dates of the proleptic Gregorian calendar as numbers. */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdint.h>

struct civil {
    int64_t year;
    int month, day; /* from 1 */
};

int64_t civil_days(struct civil c); /* since 1970-01-01 */
struct civil civil_of_days(int64_t days);
int civil_days_in_month(int64_t year, int month);
int civil_weekday(int64_t days); /* 0: Sunday */

#endif
