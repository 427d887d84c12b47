/* breaks: store/order/int
 * breaks: store/order/int-ranges
 * breaks: store/order/time
 * breaks: store/order/time-ranges
 * over: store-memory
 *
 * Numbers are compared without their sign. */
#include "broken_store.h"

/* In the place of the driver's own value.c. */
#define value_compare good_compare
#include "value.c"
#undef value_compare

int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b);
int value_compare(const struct ff_column *column, const struct ff_value *a,
                  const struct ff_value *b)
{
    if (!a->type || !b->type)
        return good_compare(column, a, b);
    if (column->type == FF_INT || column->type == FF_TIME)
        return ((uint64_t)a->i > (uint64_t)b->i) - ((uint64_t)a->i < (uint64_t)b->i);
    return good_compare(column, a, b);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
