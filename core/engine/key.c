/* key.c - attempt keys as text and back: "TENANT RUN NODE ATTEMPT". By hand, since it
 * is done several times for each task and printf costs more than all the rest of it. */
#include "engine/engine.h"

char *engine_put_int(char *p, int64_t n)
{
    char digits[20];
    size_t len = 0;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[len++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (n < 0)
        *p++ = '-';
    while (len > 0)
        *p++ = digits[--len];
    return p;
}

void attempt_key_text(const struct attempt_key *key, char out[ATTEMPT_KEY_TEXT])
{
    char *p = engine_put_int(out, key->tenant.no);

    *p++ = ' ';
    p = engine_put_int(p, key->run);
    *p++ = ' ';
    p = engine_put_int(p, key->node);
    *p++ = ' ';
    p = engine_put_int(p, key->attempt);
    *p = 0;
}

/* Digits only: keys are never negative. At most 18 of them, so nothing overflows. */
static const char *get_int(const char *p, const char *end, int64_t *out)
{
    const char *start = p;
    int64_t n = 0;

    while (p < end && p - start < 18 && *p >= '0' && *p <= '9')
        n = n * 10 + (*p++ - '0');
    *out = n;
    return p > start ? p : NULL;
}

bool attempt_key_parse(const void *text, size_t len, struct attempt_key *key)
{
    const char *p = text, *end = p + len;
    int64_t *const parts[] = {&key->tenant.no, &key->run, &key->node, &key->attempt};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (i > 0 && (p == end || *p++ != ' '))
            return false;
        p = get_int(p, end, parts[i]);
        if (!p)
            return false;
    }
    return p == end;
}
