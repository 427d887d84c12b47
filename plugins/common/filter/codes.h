/* codes.h - enum ff_code in the words of logs and metrics. */
#ifndef FILTER_CODES_H
#define FILTER_CODES_H

#include <flowforge/base.h>

#define CODES_MAX (FF_FATAL + 1)

extern const char *const code_names[CODES_MAX];

/* A code from elsewhere may be none of them. */
const char *code_name(int code);

#endif
