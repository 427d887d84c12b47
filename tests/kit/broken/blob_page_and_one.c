/* breaks: blob/list/pages
 * over: blob-file
 *
 * Gives one more than was asked for. */
#include "broken_blob.h"

LIST
{
    return good->list(blob, space, after, limit ? limit + 1 : 0, fn, arg, err);
}

BREAK(list)
