/* breaks: store/guards/unique
 * over: store-memory
 *
 * Unique indexes are like any others. */
#include "broken_store.h"

/* In the place of the driver's own table.c. */
#define table_breaks_unique unused_breaks_unique
#include "table.c"
#undef table_breaks_unique

bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except);
bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except)
{
    (void)t;
    (void)row;
    (void)except;
    return false;
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
