/* breaks: store/invalid/patch
 * over: store-memory
 *
 * What a patch may not set is left out. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PATCH)
        c->set &= settable(c->record);
    return KEEP;
}
