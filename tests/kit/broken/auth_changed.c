/* breaks: auth/deny/changed
 * over: auth-dev
 *
 * Only as many bytes are compared as the token has. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    char *shorter = strdup(credential);
    int code = FF_DENIED;

    for (size_t len = strlen(credential); code == FF_DENIED; len--) {
        shorter[len] = '\0';
        code = good->verify(auth, shorter, fn, arg, err);
        if (len == 0)
            break;
    }
    free(shorter);
    return code;
}

BREAKS_VERIFY
