/* breaks: blob/errors/full
 * over: blob-file
 *
 * What does not fit is the caller's mistake. */
#include "broken_blob.h"

PUT
{
    const int code = good->put(blob, id, size_bytes, read_fn, arg, err);

    return code == FF_FULL ? (int)(err->code = FF_INVALID) : code;
}

BREAK(put)
