/* breaks: store/race/thread-to-thread
 * over: store-memory
 *
 * A session serves the thread that opened it. */
#include "broken_store.h"

#include <pthread.h>

static pthread_t opener;

static int open_store(const struct ff_host *host, const void *config, void **store,
                      struct ff_err *err)
{
    opener = pthread_self();
    return good->open(host, config, store, err);
}

static int commit(void *store, const struct ff_change *changes, size_t n,
                  size_t *failed, struct ff_err *err)
{
    if (!pthread_equal(opener, pthread_self()))
        return ff_fail(err, FF_INTERNAL, 0, "called by another thread");
    return good->commit(store, changes, n, failed, err);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->open = open_store;
    ops->commit = commit;
}
