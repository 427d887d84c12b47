/* model/span.h - text as rows hold it. Included by model.h. */
#ifndef MODEL_SPAN_H
#define MODEL_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/* Text that need not end with NUL; s NULL is the null value. */
struct span {
    const char *s;
    size_t len;
};
struct span span_of(const char *text); /* borrowed; NULL gives the null span */

/* The null value is no text, not the empty one either, and the same as itself. */
bool span_is(struct span s, const char *text);
bool span_eq(struct span a, struct span b);

#endif
