/* breaks: store/race/check
 * over: store-memory
 *
 * A check is made before the commit, and does not hold until its end. */
#include "broken_store.h"

EDIT_CHANGES
{
    const int64_t version = c->kind == FF_CHECK ? version_of(store, c) : 0;

    if (c->kind != FF_CHECK || c->expect <= 0 || version != c->expect)
        return KEEP;
    usleep(2000);
    return DROP;
}
