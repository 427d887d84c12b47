/* breaks: store/scan/stop
 * over: store-memory
 *
 * A scan that fn stops is cancelled. */
#include "broken_store.h"

struct call {
    ff_row_fn *fn;
    void *arg;
    int stopped;
};

static int note(void *arg, const struct ff_value *row)
{
    struct call *c = arg;

    c->stopped = c->fn(c->arg, row);
    return c->stopped;
}

static int scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    struct call c = {fn, arg, 0};
    const int code = good->scan(store, q, note, &c, err);

    return c.stopped ? ff_fail(err, FF_CANCELLED, 0, "stopped") : code;
}

BREAK(scan, scan)
