/* base/json_priv.h - the parts of json.c to each other. */
#ifndef BASE_JSON_PRIV_H
#define BASE_JSON_PRIV_H

#include "base/json.h"

/* NULL: ask jansson, also what is wrong. */
json_t *json_read_plain(const char *text, size_t len, int depth);

#endif
