/* breaks: auth/use/close-null
 * over: auth-dev
 *
 * close looks before it asks. */
#include "broken_auth.h"

static void close_all(void *auth)
{
    *(volatile char *)auth = *(volatile char *)auth;
    good->close(auth);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->close = close_all;
}
