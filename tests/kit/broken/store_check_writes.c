/* breaks: store/guards/check-any
 * breaks: store/guards/check-version
 * over: store-memory
 *
 * A check is an update of nothing, which counts as a change. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK && c->expect != FF_ABSENT) {
        c->kind = FF_PATCH;
        c->set = 0;
    }
    return KEEP;
}
