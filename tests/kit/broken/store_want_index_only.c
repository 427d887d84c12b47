/* breaks: store/scan/want
 * over: store-memory
 *
 * Wanted columns beyond the key are left out in the order of an index. */
#include "broken_store.h"

EDIT_QUERIES
{
    if (q->index >= 0 && q->want)
        q->want &= (UINT64_C(2) << q->record->n_key) - 1;
}
