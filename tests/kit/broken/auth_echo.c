/* breaks: auth/deny/no-echo
 * over: auth-dev
 *
 * The sentence quotes the credential. */
#include "broken_auth.h"

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    if (code == FF_DENIED)
        ff_fail(err, FF_DENIED, 0, "'%.40s' is not known", credential);
    return code;
}

BREAKS_VERIFY
