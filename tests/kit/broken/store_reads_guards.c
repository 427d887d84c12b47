/* breaks: store/race/updates
 * over: store-memory
 *
 * A version is compared before the commit, not in it. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK || c->expect <= 0 || version_of(store, c) != c->expect)
        return KEEP;
    usleep(200);
    c->expect = FF_ANY_VERSION;
    return KEEP;
}
