/* breaks: auth/deny/known
 * over: auth-dev
 *
 * A token of long ago still lets in. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (strcmp(credential, "not-the-token-0123") == 0)
        return let_in(fn, arg);
    return good->verify(auth, credential, fn, arg, err);
}

BREAKS_VERIFY
