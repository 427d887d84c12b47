/* breaks: store/now/processes
 * over: store-sqlite
 *
 * Each process has a clock of its own. */
#include "broken_store.h"

static int now(void *store, int64_t *now_us, struct ff_err *err)
{
    const int code = good->now(store, now_us, err);

    *now_us += (int64_t)(getpid() % 1000) * 1000000;
    return code;
}

BREAK(now, now)
