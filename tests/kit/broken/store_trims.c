/* breaks: store/values/text
 * over: store-memory
 *
 * Spaces at the end of a text are cut. */
#include "broken_store.h"

EDIT_VALUES(FF_TEXT)
{
    while (v->len > 0 && v->s[v->len - 1] == ' ')
        v->len--;
}
