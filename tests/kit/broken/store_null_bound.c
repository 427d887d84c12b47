/* breaks: store/invalid/queries
 * over: store-memory
 *
 * A range from null is no range. */
#include "broken_store.h"

EDIT_QUERIES
{
    if (q->from && !q->from->type)
        q->from = NULL;
    if (q->below && !q->below->type)
        q->below = NULL;
}
