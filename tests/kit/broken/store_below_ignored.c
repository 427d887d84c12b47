/* breaks: store/scan/rows
 * breaks: store/order/int-ranges
 * over: store-memory
 *
 * A scan goes on beyond its range. */
#include "broken_store.h"

EDIT_QUERIES
{
    q->below = NULL;
}
