/* breaks: store/race/updates-processes
 * breaks: store/race/claims
 * over: store-sqlite
 *
 * A version is compared before the commit, not in it. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK || c->expect <= 0 || version_of(store, c) != c->expect)
        return KEEP;
    usleep(5000); /* long enough for others also where a core is waited for */
    c->expect = FF_ANY_VERSION;
    return KEEP;
}
