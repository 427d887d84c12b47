/* span.c - one span as JSON of OTLP. */
#include "traces/traces_priv.h"

#include <string.h>

#define KIND_INTERNAL 1
#define STATUS_ERROR  2
#define NS_PER_US     1000

void trace_add_text(struct jsonw *w, const char *key, const char *value, size_t len)
{
    jsonw_open(w, '{');
    jsonw_key(w, "key");
    jsonw_text(w, key);
    jsonw_key(w, "value");
    jsonw_open(w, '{');
    jsonw_key(w, "stringValue");
    jsonw_text_len(w, value, len);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void add_number(struct jsonw *w, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    jsonw_key(w, key);
    jsonw_text(w, text);
}

void trace_add_int(struct jsonw *w, const char *key, int64_t value)
{
    jsonw_open(w, '{');
    jsonw_key(w, "key");
    jsonw_text(w, key);
    jsonw_key(w, "value");
    jsonw_open(w, '{');
    add_number(w, "intValue", value);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

void trace_span_open(struct jsonw *w, const struct trace_span *s)
{
    jsonw_open(w, '{');
    jsonw_key(w, "traceId");
    jsonw_text(w, s->trace);
    jsonw_key(w, "spanId");
    jsonw_text(w, s->id);
    if (s->parent) {
        jsonw_key(w, "parentSpanId");
        jsonw_text(w, s->parent);
    }
    jsonw_key(w, "name");
    jsonw_text_len(w, s->name, s->name_len);
    jsonw_key(w, "kind");
    jsonw_int(w, KIND_INTERNAL);
    add_number(w, "startTimeUnixNano", s->begun_at * NS_PER_US);
    /* A clock that was set back in between makes no span of less than nothing. */
    add_number(w, "endTimeUnixNano",
               (s->ended_at > s->begun_at ? s->ended_at : s->begun_at) * NS_PER_US);
    jsonw_key(w, "attributes");
    jsonw_open(w, '[');
}

/* Where the parts of a traceparent are. */
#define PARENT_TRACE_AT 3
#define PARENT_SPAN_AT  36

static void add_link(struct jsonw *w, const char *caller)
{
    jsonw_key(w, "links");
    jsonw_open(w, '[');
    jsonw_open(w, '{');
    jsonw_key(w, "traceId");
    jsonw_text_len(w, caller + PARENT_TRACE_AT, TRACE_ID_TEXT - 1);
    jsonw_key(w, "spanId");
    jsonw_text_len(w, caller + PARENT_SPAN_AT, TRACE_SPAN_TEXT - 1);
    jsonw_close(w, '}');
    jsonw_close(w, ']');
}

void trace_span_close(struct jsonw *w, const struct trace_outcome *o)
{
    jsonw_close(w, ']');
    if (o->caller && o->caller[0])
        add_link(w, o->caller);
    if (o->failed) {
        jsonw_key(w, "status");
        jsonw_open(w, '{');
        jsonw_key(w, "code");
        jsonw_int(w, STATUS_ERROR);
        if (o->message.s) {
            jsonw_key(w, "message");
            jsonw_text_len(w, o->message.s, o->message.len);
        }
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
}
