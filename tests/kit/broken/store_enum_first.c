/* breaks: store/values/enum
 * over: store-memory
 *
 * The last name of an enum is taken for the first. */
#include "broken_store.h"

EDIT_VALUES(FF_ENUM)
{
    v->i = v->i == 2 ? 0 : v->i;
}
