/* breaks: blob/errors/close
 * over: blob-file
 *
 * Looks into what it closes. */
#include "broken_blob.h"

static void close_it(void *blob)
{
    const struct ff_host *const *host = blob;
    const struct ff_host *volatile looked_at = *host;

    (void)looked_at;
    good->close(blob);
}

BREAK(close)
