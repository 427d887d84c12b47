/* breaks: auth/discovery/refresh
 * over: auth-jwt
 *
 * refresh leaves it to the time of the next question what the issuer has changed. */
#include "broken_auth.h"

static int refresh(void *auth, struct ff_err *err)
{
    (void)auth;
    (void)err;
    return FF_OK;
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->refresh = refresh;
}
