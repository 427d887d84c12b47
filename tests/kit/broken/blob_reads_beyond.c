/* breaks: blob/put/reads
 * over: blob-file
 *
 * Reads until there is no more, although it was told how much there is. */
#include "broken_blob.h"

PUT
{
    char byte;
    const int code = good->put(blob, id, size_bytes, read_fn, arg, err);

    read_fn(arg, size_bytes, &byte, 1);
    return code;
}

BREAK(put)
