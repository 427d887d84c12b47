/* breaks: blob/id/refused
 * over: blob-file
 *
 * What is not a name is taken for the nearest one. */
#include "broken_blob.h"

PUT
{
    struct ff_blob_id clean = *id;

    if (!clean.space || strchr(clean.space, '/'))
        clean.space = "kit";
    return good->put(blob, &clean, size_bytes, read_fn, arg, err);
}

STAT
{
    struct ff_blob_id clean = *id;

    if (!clean.space || strchr(clean.space, '/'))
        clean.space = "kit";
    return good->stat(blob, &clean, info, err);
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->put = put_it;
    ops->stat = stat_it;
}
