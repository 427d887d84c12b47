/* breaks: auth/use/open-close
 * over: auth-dev
 *
 * It can be opened once. */
#include "broken_auth.h"

static int open_once(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    static int n_opened;

    if (n_opened++ > 0)
        return ff_fail(err, FF_BUSY, 0, "it is open already");
    return good->open(host, config, auth, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_once;
}
