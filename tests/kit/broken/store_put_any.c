/* breaks: store/guards/put-any
 * over: store-memory
 *
 * PUT with FF_ANY_VERSION inserts only. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PUT && c->expect == FF_ANY_VERSION)
        c->expect = FF_ABSENT;
    return KEEP;
}
