/* breaks: store/scan/limit
 * over: store-memory
 *
 * A scan gives one row more than its limit. */
#include "broken_store.h"

EDIT_QUERIES
{
    q->limit += q->limit > 0 && q->limit < UINT32_MAX;
}
