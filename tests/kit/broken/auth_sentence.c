/* breaks: auth/deny/sentence
 * over: auth-dev
 *
 * A denial says nothing. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    if (code == FF_DENIED)
        err->msg[0] = '\0';
    return code;
}

BREAKS_VERIFY
