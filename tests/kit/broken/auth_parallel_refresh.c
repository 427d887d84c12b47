/* breaks: auth/parallel/refresh
 * over: auth-jwt
 *
 * While the keys are read there are none. */
#include "broken_auth.h"

#include <stdatomic.h>
#include <unistd.h>

static atomic_int n_readers;

static int refresh(void *auth, struct ff_err *err)
{
    atomic_fetch_add(&n_readers, 1);
    usleep(2000);

    const int code = good->refresh(auth, err);

    atomic_fetch_sub(&n_readers, 1);
    return code;
}

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (atomic_load(&n_readers) > 0)
        return ff_fail(err, FF_DENIED, 0, "the key is not known");
    return good->verify(auth, credential, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_auth_ops *ops)
{
    (void)d;
    ops->refresh = refresh;
    ops->verify = verify;
}
