/* traces/traces_priv.h - the inside of the room: ids.c names spans, history.c finds
 * them in a run's history, span.c writes one, request.c what goes around them. */
#ifndef TRACES_TRACES_PRIV_H
#define TRACES_TRACES_PRIV_H

#include "traces/traces.h"

/* --- span.c --- */

/* "key": value, as OTLP has attributes: an element of an open array. */
void trace_add_text(struct jsonw *w, const char *key, const char *value, size_t len);
void trace_add_int(struct jsonw *w, const char *key, int64_t value);

/* What a span of any kind has. It stays open, with its attributes, which are `plain`
 * and what the caller adds. */
struct trace_span {
    const char *trace, *id;
    const char *parent; /* or NULL: it is the first of its trace */
    const char *name;
    size_t name_len;
    int64_t begun_at, ended_at; /* microseconds since 1970 */
};
void trace_span_open(struct jsonw *w, const struct trace_span *s);
struct trace_outcome {
    bool failed;
    struct span message; /* why, or null */
    const char *caller;  /* traceparent of who caused it, or NULL, or "" */
};
void trace_span_close(struct jsonw *w, const struct trace_outcome *o);

#endif
