/* breaks: blob/get/stop
 * over: blob-file
 *
 * Who wants no more is told that it was all. */
#include "broken_blob.h"

GET
{
    const int code = good->get(blob, id, fn, arg, err);

    return code == FF_CANCELLED ? FF_OK : code;
}

BREAK(get)
