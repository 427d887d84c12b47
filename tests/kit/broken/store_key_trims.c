/* breaks: store/values/key
 * over: store-memory
 *
 * Keys are kept without spaces at their end. */
#include "broken_store.h"

EDIT_CHANGES
{
    for (uint16_t i = 0; i < c->record->n_key; i++)
        while (values[i].type == FF_TEXT && values[i].len > 0 &&
               values[i].s[values[i].len - 1] == ' ')
            values[i].len--;
    return KEEP;
}
