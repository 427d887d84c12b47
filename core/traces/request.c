/* request.c - what goes around spans: who sends them. */
#include "traces/traces_priv.h"

#include <ctype.h>
#include <string.h>

/* -1: it is none. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of the two hex digits at text; -1: they are none. */
static int byte_at(const char *text)
{
    const int high = digit(text[0]);
    const int low = high < 0 ? -1 : digit(text[1]);

    return low < 0 ? -1 : high * 16 + low;
}

/* In place; false: a % without two digits behind it, or a NUL. */
static bool decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        const int byte = *from == '%' ? byte_at(from + 1) : *from;

        if (byte == 0 || (*from == '%' && byte < 0))
            return false;
        if (*from == '%')
            from += 2;
        *to++ = (char)byte;
    }
    *to = '\0';
    return true;
}

static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (isspace((unsigned char)*text))
        text++;
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static bool take_pair(char *pair, trace_pair_fn *fn, void *arg)
{
    char *value = strchr(pair, '=');

    if (!value)
        return false;
    *value++ = '\0';

    const char *key = trim(pair);

    value = trim(value);
    if (!key[0] || !decode(value))
        return false;
    fn(arg, key, value);
    return true;
}

bool trace_pairs(const char *list, trace_pair_fn *fn, void *arg)
{
    MEM_AUTO char *own = mem_text(list);
    char *rest = own;
    bool good = true;

    for (char *pair; good && (pair = strsep(&rest, ","));)
        good = *trim(pair) == '\0' || take_pair(pair, fn, arg);
    return good;
}

static void add_attribute(void *arg, const char *key, const char *value)
{
    if (strcmp(key, "service.name") != 0 && strcmp(key, "service.version") != 0)
        trace_add_text(arg, key, value, strlen(value));
}

static void add_resource(const struct trace_sender *from, struct jsonw *w)
{
    jsonw_key(w, "resource");
    jsonw_open(w, '{');
    jsonw_key(w, "attributes");
    jsonw_open(w, '[');
    trace_add_text(w, "service.name", from->service, strlen(from->service));
    trace_add_text(w, "service.version", from->version, strlen(from->version));
    if (from->attributes)
        trace_pairs(from->attributes, add_attribute, w);
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

void trace_request_open(const struct trace_sender *from, struct jsonw *w)
{
    jsonw_open(w, '{');
    jsonw_key(w, "resourceSpans");
    jsonw_open(w, '[');
    jsonw_open(w, '{');
    add_resource(from, w);
    jsonw_key(w, "scopeSpans");
    jsonw_open(w, '[');
    jsonw_open(w, '{');
    jsonw_key(w, "scope");
    jsonw_open(w, '{');
    jsonw_key(w, "name");
    jsonw_text(w, "flowforge");
    jsonw_key(w, "version");
    jsonw_text(w, from->version);
    jsonw_close(w, '}');
    jsonw_key(w, "spans");
    jsonw_open(w, '[');
}

void trace_request_close(struct jsonw *w)
{
    static const char brackets[] = "]}]}]}";

    for (const char *b = brackets; *b; b++)
        jsonw_close(w, *b);
}
