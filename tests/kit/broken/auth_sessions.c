/* breaks: auth/use/sessions
 * over: auth-dev
 *
 * Closing one session ends all of them. */
#include "broken_auth.h"

static int is_closed;

static void close_all(void *auth)
{
    is_closed = 1;
    good->close(auth);
}

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (is_closed)
        return ff_fail(err, FF_DENIED, 0, "the token is not known");
    return good->verify(auth, credential, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->close = close_all;
    ops->verify = verify;
}
