/* breaks: auth/admit/once
 * over: auth-dev
 *
 * fn is called twice. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    return code == FF_OK ? good->verify(auth, credential, fn, arg, err) : code;
}

BREAKS_VERIFY
