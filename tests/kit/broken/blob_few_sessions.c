/* breaks: blob/errors/sessions
 * over: blob-file
 *
 * Three sessions, and no more. */
#include "broken_blob.h"

static int n_open;

static int open_it(const struct ff_host *host, const void *config, void **blob,
                   struct ff_err *err)
{
    if (n_open == 3)
        return ff_fail(err, FF_DENIED, 0, "there are three sessions already");
    n_open++;
    return good->open(host, config, blob, err);
}

static void close_it(void *blob)
{
    n_open -= blob != NULL;
    good->close(blob);
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->open = open_it;
    ops->close = close_it;
}
