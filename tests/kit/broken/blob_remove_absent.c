/* breaks: blob/remove/absent
 * over: blob-file
 *
 * What is not there cannot be removed. */
#include "broken_blob.h"

REMOVE
{
    if (!is_there(blob, id))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such blob");
    return good->remove(blob, id, before_us, err);
}

BREAK(remove)
