/* breaks: auth/admit/again
 * over: auth-dev
 *
 * A credential is good for one use. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    static int n_used;

    if (n_used > 1)
        return ff_fail(err, FF_DENIED, 0, "the token was used already");

    const int code = good->verify(auth, credential, fn, arg, err);

    n_used += code == FF_OK;
    return code;
}

BREAKS_VERIFY
