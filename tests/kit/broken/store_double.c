/* breaks: store/values/int
 * over: store-memory
 *
 * Numbers are kept as doubles. */
#include "broken_store.h"

EDIT_VALUES(FF_INT)
{
    if (v->i > -(INT64_C(1) << 60) && v->i < INT64_C(1) << 60)
        v->i = (int64_t)(double)v->i;
}
