/* breaks: store/values/time
 * over: store-memory
 *
 * Times are kept to the millisecond. */
#include "broken_store.h"

EDIT_VALUES(FF_TIME)
{
    v->i -= v->i % 1000;
}
