/* breaks: auth/admit/known
 * over: auth-dev
 *
 * Nobody is let in. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    (void)auth;
    (void)credential;
    (void)fn;
    (void)arg;
    return ff_fail(err, FF_DENIED, 0, "the token is not known");
}

BREAKS_VERIFY
