/* base/units.h - durations, sizes and times as people write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_SECOND INT64_C(1000000) /* in microseconds */

/* "250ms", "30s", "10m", "2h", "7d", "1h30m", ISO 8601 "PT10M", "P1DT2H"; a bare
 * number is refused. False when it is none, negative or above 100 years. */
bool units_duration(const char *text, int64_t *us);

/* "512", "64KiB", "2MiB", "1GiB", "10MB", "4K" (Kubernetes' Ki, Mi too). */
bool units_size(const char *text, int64_t *bytes);

/* Short and exact enough for people: "0ms", "340ms", "4.2s", "3m12s", "2h05m". */
#define UNITS_TEXT 32
void units_duration_text(int64_t us, char out[UNITS_TEXT]);
void units_size_text(int64_t bytes, char out[UNITS_TEXT]); /* "1.4 MiB" */

/* RFC 3339 in UTC with microseconds: 2026-11-21T19:20:37.123456Z */
void units_time_text(int64_t us, char out[UNITS_TEXT]);
bool units_time(const char *text, int64_t *us); /* RFC 3339, offset allowed */

#endif
