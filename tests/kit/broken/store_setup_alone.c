/* breaks: store/setup/threads
 * over: store-memory
 *
 * A setup beside another one fails. */
#include "broken_store.h"

#include <stdatomic.h>

static atomic_int n_inside;

static int setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    int code;

    if (atomic_fetch_add(&n_inside, 1) > 0)
        code = ff_fail(err, FF_INTERNAL, 0, "table exists already");
    else
        code = good->setup(store, schema, err);
    usleep(50000);
    atomic_fetch_sub(&n_inside, 1);
    return code;
}

BREAK(setup, setup)
