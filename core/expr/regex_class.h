/* The named sets of characters of regular expressions. */
#ifndef EXPR_REGEX_CLASS_H
#define EXPR_REGEX_CLASS_H

#include "expr/regex.h"

struct expr_regex_set {
    const char *name; /* d, s, w, or alpha and the like */
    struct expr_regex_range ranges[5];
    size_t n;
};

/* NULL when there is none of this name. */
const struct expr_regex_set *expr_regex_set(const char *name, size_t len);

#endif
