/* breaks: store/setup/wide
 * over: store-memory
 *
 * The 64th column has no bit. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind == FF_PATCH)
        c->set &= ~(UINT64_C(1) << 63);
    return KEEP;
}
