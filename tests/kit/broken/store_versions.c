/* breaks: store/guards/versions
 * over: store-memory
 *
 * A replacement is a delete and an insert, which begins at version 1. */
#include "broken_store.h"

EDIT_CHANGES
{
    struct ff_change gone = *c;
    struct ff_err ignored;
    size_t failed;

    if (c->kind != FF_PUT || c->expect <= 0)
        return KEEP;
    gone.kind = FF_DELETE;
    if (good->commit(store, &gone, 1, &failed, &ignored) == FF_OK)
        c->expect = FF_ABSENT;
    return KEEP;
}
