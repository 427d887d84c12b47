/* What the tests of calendar share. */
#ifndef TESTS_CALENDAR_SUPPORT_H
#define TESTS_CALENDAR_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calendar/calendar.h"

#include <string.h>

/* RFC 3339 to microseconds; the test fails when it is none. */
int64_t support_time(const char *text);

/* A zone that is nothing but this rule, or none for "". zone_free it. */
struct zone *support_zone(const char *rule);

#endif
