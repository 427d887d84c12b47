/* breaks: store/guards/check-version
 * over: store-memory
 *
 * A check takes any version. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK && c->expect > 0)
        c->expect = FF_ANY_VERSION;
    return KEEP;
}
