/* breaks: auth/parallel/verify
 * over: auth-dev
 *
 * It says FF_PARALLEL and has one place for everything. */
#include "broken_auth.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static atomic_bool is_used;

static int verify(void *auth, const char *credential, ff_principal_fn *fn, void *arg,
                  struct ff_err *err)
{
    if (atomic_exchange(&is_used, true))
        return ff_fail(err, FF_DENIED, 0, "the token is not known");
    usleep(1000);

    const int code = good->verify(auth, credential, fn, arg, err);

    atomic_store(&is_used, false);
    return code;
}

BREAKS_VERIFY
