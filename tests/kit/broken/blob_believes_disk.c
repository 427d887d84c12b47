/* breaks: blob/get/damaged
 * over: blob-file
 *
 * What was read is not looked at. */
#include "broken_blob.h"

GET
{
    const int code = good->get(blob, id, fn, arg, err);

    return code == FF_CORRUPT ? FF_OK : code;
}

BREAK(get)
