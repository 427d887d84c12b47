/* breaks: store/changes/put
 * over: store-memory
 *
 * A replacement keeps columns whose new value is null. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind != FF_PUT || c->expect <= 0)
        return KEEP;
    c->kind = FF_PATCH;
    c->set = 0;
    for (uint16_t i = c->record->n_key + 1; i < c->record->n_columns; i++)
        if (values[i].type)
            c->set |= UINT64_C(1) << i;
    return KEEP;
}
