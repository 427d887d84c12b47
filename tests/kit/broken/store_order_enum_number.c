/* breaks: store/order/enum
 * breaks: store/order/enum-ranges
 * over: store-memory
 *
 * Enums are compared by their numbers. */
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
    if (column->type == FF_ENUM)
        return (a->i > b->i) - (a->i < b->i);
    return good_compare(column, a, b);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
