/* breaks: auth/use/refresh
 * over: auth-jwt
 *
 * refresh forgets what there was. */
#include "broken_auth.h"

static int is_refreshed;

static int refresh(void *auth, struct ff_err *err)
{
    is_refreshed = 1;
    return good->refresh(auth, err);
}

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (is_refreshed)
        return ff_fail(err, FF_DENIED, 0, "the key is not known");
    return good->verify(auth, credential, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->refresh = refresh;
    ops->verify = verify;
}
