/* breaks: auth/deny/odd
 * over: auth-dev
 *
 * Who brings nothing is let in. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    return *credential ? good->verify(auth, credential, fn, arg, err) : let_in(fn, arg);
}

BREAKS_VERIFY
