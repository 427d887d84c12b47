/* queue-redis/text.c - see the header. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct rq_text *t, size_t more)
{
    size_t cap = t->cap ? t->cap : 128;
    char *s;

    if (t->failed || more > SIZE_MAX / 4 - t->len)
        t->failed = true;
    if (t->failed || t->len + more <= t->cap)
        return !t->failed;
    while (cap < t->len + more)
        cap *= 2;
    s = realloc(t->s, cap);
    if (!s) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->cap = cap;
    return true;
}

void rq_add(struct rq_text *t, const void *data, size_t len)
{
    if (len == 0 || !reserve(t, len))
        return;
    memcpy(t->s + t->len, data, len);
    t->len += len;
}

void rq_addf(struct rq_text *t, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(line))
        t->failed = true;
    else
        rq_add(t, line, (size_t)n);
}

void rq_add_bulk(struct rq_text *t, const void *data, size_t len)
{
    rq_addf(t, "$%zu\r\n", len);
    rq_add(t, data, len);
    rq_add(t, "\r\n", 2);
}

void rq_text_done(struct rq_text *t)
{
    free(t->s);
    *t = (struct rq_text){0};
}
