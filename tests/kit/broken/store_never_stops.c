/* breaks: store/scan/stop
 * over: store-memory
 *
 * What fn returns is not looked at. */
#include "broken_store.h"

struct call {
    ff_row_fn *fn;
    void *arg;
};

static int go_on(void *arg, const struct ff_value *row)
{
    const struct call *c = arg;

    c->fn(c->arg, row);
    return 0;
}

static int scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    struct call c = {fn, arg};

    return good->scan(store, q, go_on, &c, err);
}

BREAK(scan, scan)
