/* breaks: store/values/text
 * over: store-memory
 *
 * An empty text is null. */
#include "broken_store.h"

EDIT_CHANGES
{
    for (uint16_t i = c->record->n_key + 1; i < c->record->n_columns; i++)
        if (values[i].type == FF_TEXT && values[i].len == 0)
            values[i].type = 0;
    return KEEP;
}
