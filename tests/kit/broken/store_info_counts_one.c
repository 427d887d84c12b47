/* breaks: store/info/told
 * over: store-sqlite
 *
 * Each record has one row, says info. */
#include "broken_store.h"

struct told {
    ff_store_part_fn *fn;
    void *arg;
};

static int tell(void *arg, const struct ff_store_part *part)
{
    const struct told *t = arg;
    struct ff_store_part one = *part;

    one.rows = 1;
    return t->fn(t->arg, &one);
}

static int info(void *store, struct ff_store_info *info, ff_store_part_fn *fn,
                void *arg, struct ff_err *err)
{
    struct told t = {fn, arg};

    return good->info(store, info, fn ? tell : NULL, &t, err);
}

BREAK(info, info)
