/* breaks: store/invalid/guards
 * over: store-memory
 *
 * Guards that make no sense mean any version. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->expect < FF_ANY_VERSION ||
        (c->expect == FF_ABSENT && c->kind != FF_PUT && c->kind != FF_CHECK))
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
