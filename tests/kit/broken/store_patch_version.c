/* breaks: store/guards/patch-version
 * over: store-memory
 *
 * A patch takes any version. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PATCH && c->expect > 0)
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
