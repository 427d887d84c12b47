/* breaks: blob/list/order
 * over: blob-file
 *
 * Lists the last one first. */
#include "broken_blob.h"

static struct {
    struct ff_blob_info info;
    char space[FF_BLOB_SPACE_MAX + 1];
    char hash[FF_BLOB_HASH_LEN + 1];
} kept[4096];
static size_t n_kept;

static int keep(void *arg, const struct ff_blob_info *info)
{
    (void)arg;
    kept[n_kept].info = *info;
    snprintf(kept[n_kept].space, sizeof(kept[0].space), "%s", info->id.space);
    snprintf(kept[n_kept].hash, sizeof(kept[0].hash), "%s", info->id.hash);
    kept[n_kept].info.id.space = kept[n_kept].space;
    kept[n_kept].info.id.hash = kept[n_kept].hash;
    return ++n_kept == 4096;
}

LIST
{
    int code;

    n_kept = 0;
    code = good->list(blob, space, after, limit, keep, NULL, err);
    while (n_kept > 0 && fn(arg, &kept[--n_kept].info) == 0)
        ;
    return code;
}

BREAK(list)
