/* breaks: auth/deny/no-call
 * over: auth-dev
 *
 * Who is denied is handed over all the same. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    if (code == FF_DENIED)
        let_in(fn, arg);
    return code;
}

BREAKS_VERIFY
