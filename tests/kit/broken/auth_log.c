/* breaks: auth/deny/no-log
 * over: auth-dev
 *
 * Whoever is denied stands in the log, credential and all. */
#include "broken_auth.h"

static const struct ff_host *host;

static int open_with(const struct ff_host *given, const void *config, void **auth,
                     struct ff_err *err)
{
    host = given;
    return good->open(given, config, auth, err);
}

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    const int code = good->verify(auth, credential, fn, arg, err);

    if (code == FF_DENIED)
        ff_log(host, FF_DEBUG, "denied: %s", credential);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->open = open_with;
    ops->verify = verify;
}
