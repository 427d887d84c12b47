/* breaks: blob/put/again
 * over: blob-file
 *
 * What is there cannot be put again. */
#include "broken_blob.h"

PUT
{
    if (is_there(blob, id))
        return ff_fail(err, FF_CONFLICT, 0, "the blob is there already");
    return good->put(blob, id, size_bytes, read_fn, arg, err);
}

BREAK(put)
