/* breaks: blob/errors/ping
 * over: blob-file
 *
 * Answers the first ping only. */
#include "broken_blob.h"

static int ping_it(void *blob, struct ff_err *err)
{
    static int n;

    if (n++ > 0)
        return ff_fail(err, FF_UNAVAILABLE, 0, "asked before");
    return good->ping(blob, err);
}

BREAK(ping)
