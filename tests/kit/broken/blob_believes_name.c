/* breaks: blob/get/mended
 * over: blob-file
 *
 * What is there need not be put again, whatever it is. */
#include "broken_blob.h"

PUT
{
    if (is_there(blob, id))
        return FF_OK;
    return good->put(blob, id, size_bytes, read_fn, arg, err);
}

BREAK(put)
