/* breaks: auth/deny/huge
 * over: auth-dev
 *
 * A large credential is copied to where it does not fit. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (strlen(credential) > 65536)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for the credential");
    return good->verify(auth, credential, fn, arg, err);
}

BREAKS_VERIFY
