/* breaks: store/values/large
 * over: store-memory
 *
 * Of a long text the first 64 KiB are kept. */
#include "broken_store.h"

EDIT_VALUES(FF_TEXT)
{
    v->len = v->len > 65536 ? 65536 : v->len;
}
