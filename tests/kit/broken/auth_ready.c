/* breaks: auth/use/ready
 * over: auth-jwt
 *
 * ready never is, although credentials are admitted. */
#include "broken_auth.h"

static int ready(void *auth, struct ff_err *err)
{
    (void)auth;
    return ff_fail(err, FF_UNAVAILABLE, 0, "the keys have yet to come");
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->ready = ready;
}
