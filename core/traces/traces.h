/* traces/traces.h - what became of a run as spans of OpenTelemetry: rows of its history
 * in, JSON of OTLP out. Pure.
 *
 * Every id follows from ids that are there already, so that nothing is kept for it, and
 * who writes a span twice writes the same one. A run and all runs inside it are one
 * trace. Its spans: the run, over all of its time; each attempt of a task; and each
 * task with items, around them. docs/traces.md says it for people.
 *
 * Sources: the OpenTelemetry protocol 1.x, "JSON Protobuf Encoding" (ids are hex, and
 * 64-bit numbers are texts); W3C Trace Context, 3.2 (traceparent). */
#ifndef TRACES_TRACES_H
#define TRACES_TRACES_H

#include "model/model.h"

#define TRACE_ID_TEXT     33
#define TRACE_SPAN_TEXT   17
#define TRACE_PARENT_TEXT 56

/* Of the outermost run: the digits of its UUID. */
void trace_id(struct span run_id, char out[TRACE_ID_TEXT]);
/* Of an attempt, "RUN/fetch.3/2"; of a task with items it is attempt 0. */
void trace_span_of(const char *attempt_id, char out[TRACE_SPAN_TEXT]);
/* What the attempt gets as TRACEPARENT, so that its own spans are inside its span. */
void trace_parent(struct span outermost_run_id, const char *attempt_id,
                  char out[TRACE_PARENT_TEXT]);
/* Is this a traceparent? Text of `len` bytes with a NUL behind it. */
bool trace_is_parent(const char *text, size_t len);

/* Whose history it is; all of it is borrowed. */
struct trace_of {
    const struct run_row *run; /* as it ended */
    struct span outermost; /* id of the run around all; of itself, where it is that */
    const char *parent;    /* id of the attempt that it is, or NULL */
    const char *tenant, *project; /* names */
};

struct trace;
struct trace *trace_new(const struct trace_of *of);
/* The next row of the history, from the first one on. Spans that end in it are added. A
 * run that ended before and was opened again has those of its last time only. False:
 * there was no room for all of them, and the same row is to be given again. */
struct trace_room {
    struct jsonw *spans; /* in an open array */
    size_t n, max;       /* are there; are wanted: one event may bring one more */
};
bool trace_take(struct trace *t, const struct event_row *step, struct trace_room *room);
void trace_free(struct trace *t); /* takes NULL */

/* Who sends: attributes of the resource, "key=value,key2=value2", percent-encoded as
 * OTEL_RESOURCE_ATTRIBUTES are. */
struct trace_sender {
    const char *service, *version; /* service.name; of this program */
    const char *attributes; /* or NULL; service.name and service.version are ours */
};
/* A request around an array of spans, which is written between these two. */
void trace_request_open(const struct trace_sender *from, struct jsonw *w);
void trace_request_close(struct jsonw *w);

/* Calls fn with each pair of such a list. False: it is none, and fn was not called for
 * all of it. */
typedef void trace_pair_fn(void *arg, const char *key, const char *value);
bool trace_pairs(const char *list, trace_pair_fn *fn, void *arg);

#endif
