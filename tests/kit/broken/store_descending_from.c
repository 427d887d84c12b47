/* breaks: store/random/oracle
 * over: store-memory
 *
 * Descending, a range begins behind its first value. */
#include "broken_store.h"

EDIT_QUERIES
{
    if (q->flags & FF_DESCENDING && q->from && q->after && q->from->type == FF_INT)
        q->from = NULL;
}
