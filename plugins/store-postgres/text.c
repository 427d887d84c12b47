/* store-postgres/text.c - text that grows, as it goes into statements, and bytes, as
 * they go into parameters. */
#include "postgres.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256

static bool make_room(struct pg_text *t, size_t len)
{
    size_t cap = t->cap ? t->cap : FIRST_BYTES;

    if (t->failed)
        return false;
    while (cap - t->len < len + 1)
        cap *= 2;
    if (cap == t->cap)
        return true;

    char *s = realloc(t->s, cap);

    t->failed = !s;
    if (!s)
        return false;
    t->s = s;
    t->cap = cap;
    return true;
}

void pg_add(struct pg_text *t, const void *bytes, size_t len)
{
    if (!make_room(t, len))
        return;
    if (len > 0)
        memcpy(t->s + t->len, bytes, len);
    t->len += len;
    t->s[t->len] = '\0';
}

void pg_addf(struct pg_text *t, const char *fmt, ...)
{
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);

    const int n = vsnprintf(NULL, 0, fmt, args);

    if (n >= 0 && make_room(t, (size_t)n)) {
        vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void pg_add_name(struct pg_text *t, const char *name)
{
    pg_add(t, "\"", 1);
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            pg_add(t, c, 1);
        pg_add(t, c, 1);
    }
    pg_add(t, "\"", 1);
}

/* E'' with its backslashes doubled means the same whatever standard_conforming_strings
 * says. */
void pg_add_literal(struct pg_text *t, const char *text)
{
    pg_add(t, "E'", 2);
    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '\\')
            pg_add(t, c, 1);
        pg_add(t, c, 1);
    }
    pg_add(t, "'", 1);
}

void pg_add_int32(struct pg_text *t, uint32_t value)
{
    const unsigned char bytes[] = {(unsigned char)(value >> 24),
                                   (unsigned char)(value >> 16),
                                   (unsigned char)(value >> 8), (unsigned char)value};

    pg_add(t, bytes, sizeof(bytes));
}

void pg_add_int64(struct pg_text *t, uint64_t value)
{
    pg_add_int32(t, (uint32_t)(value >> 32));
    pg_add_int32(t, (uint32_t)value);
}

void pg_text_done(struct pg_text *t)
{
    free(t->s);
    *t = (struct pg_text){0};
}
