/* breaks: blob/race/processes
 * over: blob-file
 *
 * Each process has blobs of its own. */
#include "broken_blob.h"

#define PRIVATE                                                                        \
    char space[32];                                                                    \
    const struct ff_blob_id own = {space, id->hash};                                   \
    snprintf(space, sizeof(space), "p%ld", (long)getpid());

PUT
{
    PRIVATE
    return good->put(blob, &own, size_bytes, read_fn, arg, err);
}

GET
{
    PRIVATE
    return good->get(blob, &own, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->put = put_it;
    ops->get = get_it;
}
