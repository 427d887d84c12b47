/* breaks: blob/put/other-content
 * over: blob-file
 *
 * What does not have the hash is thrown away without a word. */
#include "broken_blob.h"

PUT
{
    const int code = good->put(blob, id, size_bytes, read_fn, arg, err);

    return code == FF_INVALID && strstr(err->msg, "another hash") ? FF_OK : code;
}

BREAK(put)
