/* keeps: store/watch/other-process
 * over: store-sqlite
 *
 * A watch that calls now and then, needed or not: spurious calls are fine. */
#include "broken_store.h"

#include <pthread.h>
#include <stdatomic.h>

#define TICK_US 5000

struct watcher {
    ff_call_fn *fn;
    void *arg;
    pthread_t thread;
    atomic_bool over;
};

static struct watcher watcher; /* of one session; no more are needed */
static void *watching;

static void *call_often(void *arg)
{
    struct watcher *w = arg;

    while (!atomic_load(&w->over)) {
        usleep(TICK_US);
        w->fn(w->arg);
    }
    return NULL;
}

static int watch(void *store, const struct ff_record *record, ff_call_fn *fn, void *arg,
                 struct ff_err *err)
{
    (void)record;
    watcher.fn = fn;
    watcher.arg = arg;
    watching = store;
    if (pthread_create(&watcher.thread, NULL, call_often, &watcher) != 0)
        return ff_fail(err, FF_NO_MEMORY, 0, "no thread");
    return FF_OK;
}

static void close_store(void *store)
{
    if (store && store == watching) {
        atomic_store(&watcher.over, true);
        pthread_join(watcher.thread, NULL);
    }
    good->close(store);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    d->caps |= FF_STORE_WATCH;
    ops->watch = watch;
    ops->close = close_store;
}
