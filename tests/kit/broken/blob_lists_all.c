/* breaks: blob/list/space
 * over: blob-file
 *
 * Lists all spaces, whichever was asked for. */
#include "broken_blob.h"

LIST
{
    (void)space;
    return good->list(blob, NULL, after, limit, fn, arg, err);
}

BREAK(list)
