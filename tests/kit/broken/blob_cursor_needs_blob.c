/* breaks: blob/list/cursor
 * over: blob-file
 *
 * After a blob that is gone nothing comes. */
#include "broken_blob.h"

LIST
{
    if (after && !is_there(blob, after))
        return FF_OK;
    return good->list(blob, space, after, limit, fn, arg, err);
}

BREAK(list)
