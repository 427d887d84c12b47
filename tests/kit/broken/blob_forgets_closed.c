/* breaks: blob/crash/reopen
 * over: blob-file
 *
 * Takes what it has kept along when it is closed. */
#include "broken_blob.h"

static struct {
    char space[FF_BLOB_SPACE_MAX + 1];
    char hash[FF_BLOB_HASH_LEN + 1];
} last;

PUT
{
    snprintf(last.space, sizeof(last.space), "%s", id->space);
    snprintf(last.hash, sizeof(last.hash), "%s", id->hash);
    return good->put(blob, id, size_bytes, read_fn, arg, err);
}

static void close_it(void *blob)
{
    const struct ff_blob_id id = {last.space, last.hash};
    struct ff_err ignored;

    if (blob && last.hash[0])
        good->remove(blob, &id, INT64_MAX, &ignored);
    good->close(blob);
}

static void break_it(struct ff_driver *d, struct ff_blob_ops *ops)
{
    (void)d;
    ops->put = put_it;
    ops->close = close_it;
}
