/* breaks: auth/rotation/broken
 * over: auth-jwt
 *
 * refresh always says that all is well. */
#include "broken_auth.h"

static int refresh(void *auth, struct ff_err *err)
{
    good->refresh(auth, err);
    return FF_OK;
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->refresh = refresh;
}
