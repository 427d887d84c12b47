/* breaks: store/now/clock
 * over: store-memory
 *
 * Its clock counts seconds. */
#include "broken_store.h"

static int now(void *store, int64_t *now_us, struct ff_err *err)
{
    const int code = good->now(store, now_us, err);

    *now_us /= 1000000;
    return code;
}

BREAK(now, now)
