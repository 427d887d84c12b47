/* breaks: blob/put/unreadable
 * over: blob-file
 *
 * What cannot be read makes it come again later. */
#include "broken_blob.h"

PUT
{
    const int code = good->put(blob, id, size_bytes, read_fn, arg, err);

    if (code == FF_INVALID && strstr(err->msg, "cannot be read"))
        return err->code = FF_IN_DOUBT;
    return code;
}

BREAK(put)
