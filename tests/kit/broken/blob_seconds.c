/* breaks: blob/stat/size-time
 * over: blob-file
 *
 * The time is in seconds. */
#include "broken_blob.h"

STAT
{
    const int code = good->stat(blob, id, info, err);

    info->put_us /= 1000000;
    return code;
}

BREAK(stat)
