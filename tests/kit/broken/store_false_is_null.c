/* breaks: store/values/bool
 * over: store-memory
 *
 * False is kept as null. */
#include "broken_store.h"

EDIT_CHANGES
{
    for (uint16_t i = c->record->n_key + 1; i < c->record->n_columns; i++)
        if (values[i].type == FF_BOOL && values[i].i == 0)
            values[i].type = 0;
    return KEEP;
}
