/* breaks: auth/discovery/late
 * over: auth-jwt
 *
 * Who comes before the issuer's keys is sent away for good. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    return code == FF_UNAVAILABLE ? FF_DENIED : code;
}

BREAKS_VERIFY
