/* breaks: blob/random/calls
 * over: blob-file
 *
 * Now and then something is not written. */
#include "broken_blob.h"

PUT
{
    static unsigned n;

    if (++n % 3 == 0)
        return FF_OK;
    return good->put(blob, id, size_bytes, read_fn, arg, err);
}

BREAK(put)
