/* auth-jwt/secret.c - is a shared secret one that nobody guesses? One token suffices to
 * try secrets against, at home, as many a second as one has processors. */
#include "auth_jwt.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define MIN_BYTES    32
#define MIN_DISTINCT 10
#define MIN_BITS     96.0
#define MAX_PERIOD   16

/* Words that stand where a secret has yet to be put. */
static const char *const placeholders[] = {
    "change-me", "changeme", "change_me",  "change-this", "changethis",  "replace-me",
    "replaceme", "your-",    "your_",      "example",     "placeholder", "secret-key",
    "password",  "default",  "flowforge-", "insecure",
};

#define REMEDY "put 32 or more random bytes there: openssl rand -base64 48"

/* Shannon's measure over the bytes of the text itself. Passing says little; failing
 * says that it was typed. */
static double bits_of(const unsigned char *text, size_t len, size_t *n_distinct)
{
    size_t count[256] = {0};
    double bits = 0;

    *n_distinct = 0;
    for (size_t i = 0; i < len; i++)
        count[text[i]]++;
    for (size_t i = 0; i < 256; i++) {
        if (count[i] == 0)
            continue;
        ++*n_distinct;
        bits -= (double)count[i] * log2((double)count[i] / (double)len);
    }
    return bits;
}

/* Is it one short text, said again and again? */
static bool repeats(const char *text, size_t len)
{
    for (size_t period = 1; period <= MAX_PERIOD && period * 2 <= len; period++)
        if (memcmp(text, text + period, len - period) == 0)
            return true;
    return false;
}

int secret_check(const char *option, const char *secret, struct ff_err *err)
{
    const size_t len = strlen(secret);
    size_t n_distinct;
    double bits;

    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++)
        if (strncasecmp(secret, placeholders[i], strlen(placeholders[i])) == 0)
            return ff_fail(err, FF_INVALID, 0,
                           "%s: it begins like a placeholder (%s): " REMEDY, option,
                           placeholders[i]);
    if (len < MIN_BYTES)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: it has %zu bytes and must have %d: " REMEDY, option, len,
                       MIN_BYTES);
    bits = bits_of((const unsigned char *)secret, len, &n_distinct);
    if (n_distinct < MIN_DISTINCT || bits < MIN_BITS || repeats(secret, len))
        return ff_fail(err, FF_INVALID, 0, "%s: it is not random enough: " REMEDY,
                       option);
    return FF_OK;
}
