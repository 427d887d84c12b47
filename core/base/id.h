/* base/id.h - public ids: UUIDv7 (RFC 9562, section 5.7). Pure: time and random
 * bits come from the caller. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define ID_TEXT 37 /* 36 characters and NUL */

void id_make(int64_t now_us, uint64_t random_a, uint64_t random_b, char out[ID_TEXT]);
bool id_valid(const char *text); /* a UUID of any version, lower case */

#endif
