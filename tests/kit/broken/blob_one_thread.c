/* breaks: blob/race/parallel
 * over: blob-file
 *
 * Says that calls may overlap, and keeps what it works on in one place. */
#include "broken_blob.h"

static char hash[FF_BLOB_HASH_LEN + 1];

GET
{
    struct ff_blob_id one = {id->space, hash};

    memcpy(hash, id->hash, sizeof(hash));
    usleep(500);
    return good->get(blob, &one, fn, arg, err);
}

BREAK(get)
