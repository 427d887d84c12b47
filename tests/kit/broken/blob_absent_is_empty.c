/* breaks: blob/get/absent
 * over: blob-file
 *
 * What is not there is read as nothing. */
#include "broken_blob.h"

GET
{
    const int code = good->get(blob, id, fn, arg, err);

    return code == FF_NOT_FOUND ? FF_OK : code;
}

BREAK(get)
