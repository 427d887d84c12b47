/* breaks: store/values/json
 * over: store-memory
 *
 * A long document is kept as an empty one. */
#include "broken_store.h"

EDIT_VALUES(FF_JSON)
{
    if (v->len > 40 && v->len < 1000) {
        v->s = "{}";
        v->len = 2;
    }
}
