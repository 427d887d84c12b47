/* breaks: store/guards/delete-any
 * over: store-memory
 *
 * A delete of a row that is not there is a conflict. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_DELETE && c->expect == FF_ANY_VERSION && !version_of(store, c))
        c->expect = 1;
    return KEEP;
}
