/* breaks: store/guards/put-version
 * over: store-memory
 *
 * A replacement takes any version. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PUT && c->expect > 0)
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
