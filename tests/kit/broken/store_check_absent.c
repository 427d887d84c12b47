/* breaks: store/guards/check-absent
 * over: store-memory
 *
 * A check for no row is not made. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_CHECK && c->expect == FF_ABSENT)
        return DROP;
    return KEEP;
}
