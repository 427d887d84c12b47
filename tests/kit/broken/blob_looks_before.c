/* breaks: blob/race/remove
 * over: blob-file
 *
 * Looks whether it is there, and believes that it stays. */
#include "broken_blob.h"

PUT
{
    const bool there = is_there(blob, id);

    usleep(300);
    if (there && !is_there(blob, id))
        return FF_OK;
    return good->put(blob, id, size_bytes, read_fn, arg, err);
}

BREAK(put)
