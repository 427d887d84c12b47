/* breaks: store/guards/put-absent
 * over: store-memory
 *
 * An insert over a row replaces it. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PUT && c->expect == FF_ABSENT)
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
