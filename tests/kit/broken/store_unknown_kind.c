/* breaks: store/invalid/unknown
 * over: store-memory
 *
 * Changes of unknown kinds are left out. */
#include "broken_store.h"

EDIT_CHANGES
{
    if (c->kind < FF_PUT || c->kind > FF_CHECK)
        return DROP;
    return KEEP;
}
