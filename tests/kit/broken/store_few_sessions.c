/* breaks: store/errors/sessions
 * over: store-memory
 *
 * There are eight sessions and no more. */
#include "broken_store.h"

#include <stdatomic.h>

static atomic_int n_open;

static int open_store(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    if (atomic_fetch_add(&n_open, 1) >= 8)
        return ff_fail(err, FF_FULL, 0, "too many sessions");
    return good->open(host, config, store, err);
}

BREAK(open, open_store)
