/* breaks: store/scan/after-range
 * over: store-memory
 *
 * With a cursor a range is not looked at. */
#include "broken_store.h"

EDIT_QUERIES
{
    if (!q->after)
        return;
    q->from = q->flags & FF_DESCENDING ? NULL : q->from;
    q->below = q->flags & FF_DESCENDING ? q->below : NULL;
}
