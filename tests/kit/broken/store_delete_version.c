/* breaks: store/guards/delete-version
 * over: store-memory
 *
 * A delete takes any version. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_DELETE && c->expect > 0)
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
