/* breaks: auth/options/odd
 * over: auth-dev
 *
 * An empty token is refused without a word. */
#include "broken_auth.h"

static int open_odd(const struct ff_host *host, const void *config, void **auth,
                    struct ff_err *err)
{
    const char *token = *(const char *const *)config; /* its first option */

    if (!*token)
        return FF_INVALID;
    return good->open(host, config, auth, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_odd;
}
