/* blob-s3/text.c - text that grows, as it goes into requests; and hashes as text. */
#include "s3.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct s3_text *t, size_t len)
{
    size_t cap = t->cap ? t->cap : 256;

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

void s3_text_add(struct s3_text *t, const void *bytes, size_t len)
{
    if (!make_room(t, len))
        return;
    if (len > 0)
        memcpy(t->s + t->len, bytes, len);
    t->len += len;
    t->s[t->len] = '\0';
}

void s3_text_printf(struct s3_text *t, const char *fmt, ...)
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

void s3_text_quote(struct s3_text *t, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            s3_text_add(t, text, 1);
        else
            s3_text_printf(t, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void s3_text_done(struct s3_text *t)
{
    free(t->s);
    *t = (struct s3_text){0};
}

void s3_hash(const void *bytes, size_t len, char out[S3_HASH_TEXT])
{
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, bytes, len);
    SHA256End(&ctx, out);
}
