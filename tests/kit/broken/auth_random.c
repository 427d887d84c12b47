/* breaks: auth/deny/random
 * over: auth-dev
 *
 * Bytes that are no ASCII are called a mistake, not denied. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    for (const char *at = credential; *at; at++)
        if (*at & 0x80)
            return ff_fail(err, FF_INVALID, 0, "the credential is no ASCII");
    return good->verify(auth, credential, fn, arg, err);
}

BREAKS_VERIFY
