/* breaks: store/values/bytes
 * breaks: store/values/all-bytes
 * over: store-memory
 *
 * Bytes end at their first 0x00. */
#include "broken_store.h"

EDIT_VALUES(FF_BYTES)
{
    v->len = v->len ? strnlen(v->s, v->len) : 0;
}
