/* breaks: blob/errors/place
 * over: blob-file
 *
 * Is busy where no directory can be. */
#include "broken_blob.h"

static int open_it(const struct ff_host *host, const void *config, void **blob,
                   struct ff_err *err)
{
    const int code = good->open(host, config, blob, err);

    return code == FF_OK ? code : (int)(err->code = FF_BUSY);
}

BREAK(open)
