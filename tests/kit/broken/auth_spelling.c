/* breaks: auth/token/spelling
 * over: auth-jwt
 *
 * What is no base64 is skipped in it. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    char *clean = malloc(strlen(credential) + 1);
    size_t n = 0;

    for (const char *at = credential; *at; at++)
        if (*at != '=' && *at != '\n')
            clean[n++] = *at;
    clean[n] = '\0';

    const int code = good->verify(auth, clean, fn, arg, err);

    free(clean);
    return code;
}

BREAKS_VERIFY
