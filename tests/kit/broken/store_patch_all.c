/* breaks: store/changes/patch
 * over: store-memory
 *
 * A patch writes every column, whatever `set` says. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PATCH && c->set != 0)
        c->set = settable(c->record);
    return KEEP;
}
