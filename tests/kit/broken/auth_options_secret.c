/* breaks: auth/options/secret
 * over: auth-dev
 *
 * The refusal shows the token. */
#include "broken_auth.h"

static int open_odd(const struct ff_host *host, const void *config, void **auth,
                    struct ff_err *err)
{
    const char *token = *(const char *const *)config; /* its first option */

    if (strlen(token) > 16)
        return ff_fail(err, FF_INVALID, 0, "token: '%s' has more than 16 bytes", token);
    return good->open(host, config, auth, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_odd;
}
