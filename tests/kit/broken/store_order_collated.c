/* breaks: store/order/text
 * breaks: store/order/text-ranges
 * breaks: store/order/key
 * over: store-memory
 *
 * Texts are compared without regard to case, then by their bytes. */
#include "broken_store.h"

#include <strings.h>

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
    const size_t len = a->len < b->len ? a->len : b->len;
    const int by_letters =
        column->type == FF_TEXT && len ? strncasecmp(a->s, b->s, len) : 0;

    if (by_letters)
        return by_letters;
    return good_compare(column, a, b);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
