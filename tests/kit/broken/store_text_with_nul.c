/* breaks: store/invalid/values
 * over: store-memory
 *
 * A text ends at its first NUL. */
#include "broken_store.h"

EDIT_VALUES(FF_TEXT)
{
    v->len = v->len ? strnlen(v->s, v->len) : 0;
}
