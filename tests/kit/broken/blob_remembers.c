/* breaks: blob/remove/put-again
 * over: blob-file
 *
 * What was put once is never written again. */
#include "broken_blob.h"

static char put_once[4096][FF_BLOB_HASH_LEN + 1];
static size_t n_put;

PUT
{
    int code;

    for (size_t i = 0; i < n_put; i++)
        if (strcmp(put_once[i], id->hash) == 0)
            return FF_OK;
    code = good->put(blob, id, size_bytes, read_fn, arg, err);
    if (code == FF_OK && n_put < 4096)
        memcpy(put_once[n_put++], id->hash, FF_BLOB_HASH_LEN);
    return code;
}

BREAK(put)
