/* breaks: blob/list/stop
 * over: blob-file
 *
 * Goes on with a list that nobody wants any more. */
#include "broken_blob.h"

struct passing {
    ff_blob_info_fn *fn;
    void *arg;
};

static int pass(void *arg, const struct ff_blob_info *info)
{
    const struct passing *to = arg;

    to->fn(to->arg, info);
    return 0;
}

LIST
{
    struct passing to = {fn, arg};

    return good->list(blob, space, after, limit, pass, &to, err);
}

BREAK(list)
