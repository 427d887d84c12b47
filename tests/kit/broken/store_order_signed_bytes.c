/* breaks: store/order/bytes
 * breaks: store/order/bytes-ranges
 * over: store-memory
 *
 * Bytes are compared as signed numbers. */
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
    for (size_t i = 0; column->type == FF_BYTES && i < a->len && i < b->len; i++)
        if (a->s[i] != b->s[i])
            return (signed char)a->s[i] < (signed char)b->s[i] ? -1 : 1;
    return good_compare(column, a, b);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
