/* breaks: store/guards/patch-any
 * over: store-memory
 *
 * A patch of a row that is not there is lost without a word. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PATCH && c->expect == FF_ANY_VERSION && !version_of(store, c))
        return DROP;
    return KEEP;
}
