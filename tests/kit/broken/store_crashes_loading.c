/* refused: the kit does not get as far as a check
 * over: store-memory
 *
 * Its entry is a crash. */
#include "broken_store.h"

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
    abort();
}
