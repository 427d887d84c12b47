/* breaks: store/guards/check-any
 * over: store-memory
 *
 * A check for some row is not made. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK && c->expect == FF_ANY_VERSION)
        return DROP;
    return KEEP;
}
