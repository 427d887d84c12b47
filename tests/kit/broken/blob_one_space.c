/* breaks: blob/id/spaces
 * over: blob-file
 *
 * The same content is kept once, whoever put it. */
#include "broken_blob.h"

#define SHARED                                                                         \
    const struct ff_blob_id shared = {"kit", id->hash};                                \
    (void)id->space;

PUT
{
    SHARED
    return good->put(blob, &shared, size_bytes, read_fn, arg, err);
}

STAT
{
    SHARED
    return good->stat(blob, &shared, info, err);
}

REMOVE
{
    SHARED
    return good->remove(blob, &shared, before_us, err);
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->put = put_it;
    ops->stat = stat_it;
    ops->remove = remove_it;
}
