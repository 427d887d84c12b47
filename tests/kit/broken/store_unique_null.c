/* breaks: store/guards/unique-null
 * over: store-memory
 *
 * Nulls are equal in unique indexes. */
#include "broken_store.h"

/* In the place of the driver's own table.c. */
#define table_breaks_unique good_breaks_unique
#include "table.c"
#undef table_breaks_unique

bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except);

static bool collides(const struct table *t, size_t order, const struct row *row,
                     const struct row *except)
{
    const struct ff_index *index = &t->record->indexes[order - 1];
    struct ff_value bound[MEMORY_MAX_COLUMNS];

    for (uint16_t k = 0; k < index->n_columns; k++)
        bound[k] = row->values[index->columns[k]];
    for (struct row *r = *link_next(t->head, order, 0); r; r = *link_next(r, order, 0))
        if (r != except && compare_bound(t, order, r, bound, index->n_columns) == 0)
            return true;
    return false;
}

bool table_breaks_unique(const struct table *t, const struct row *row,
                         const struct row *except)
{
    for (uint16_t i = 0; i < t->record->n_indexes; i++)
        if (t->record->indexes[i].unique && collides(t, (size_t)i + 1, row, except))
            return true;
    return good_breaks_unique(t, row, except);
}

static void break_it(struct ff_driver *d, struct ff_store_ops *ops)
{
    (void)d;
    (void)ops;
}
