/* breaks: store/spans/dropped
 * breaks: store/spans/shared
 * over: store-memory
 *
 * Spans are told, and nothing goes with them. */
#include "broken_store.h"

#define SPANS 8

static struct ff_span there[SPANS];
static int n_there;

static int spans(void *store, const struct ff_record *record, uint32_t column,
                 ff_span_fn *fn, void *arg, struct ff_err *err)
{
    (void)store;
    (void)record;
    (void)column;
    (void)err;
    for (int i = 0; i < n_there; i++)
        if (fn(arg, &there[i]) != 0)
            break;
    return FF_OK;
}

static int make_span(void *store, const struct ff_span *span, struct ff_err *err)
{
    (void)store;
    if (n_there == SPANS || (n_there && span->from < there[n_there - 1].below))
        return ff_fail(err, FF_CONFLICT, 0, "no room for a span");
    there[n_there++] = *span;
    return FF_OK;
}

static int drop_span(void *store, const struct ff_span *span, struct ff_err *err)
{
    (void)store;
    (void)span;
    (void)err;
    return FF_OK;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    ops->spans = spans;
    ops->make_span = make_span;
    ops->drop_span = drop_span;
}
