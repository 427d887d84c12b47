/* breaks: blob/list/meanwhile
 * over: blob-file
 *
 * Knows how many it has given, not which. */
#include "broken_blob.h"

static size_t n_given;

struct passing {
    ff_blob_info_fn *fn;
    void *arg;
    size_t n_skipped;
    uint32_t n, limit;
};

static int pass(void *arg, const struct ff_blob_info *info)
{
    struct passing *to = arg;

    if (to->n_skipped > 0) {
        to->n_skipped--;
        return 0;
    }
    if (to->limit && to->n == to->limit)
        return 1;
    to->n++;
    n_given++;
    return to->fn(to->arg, info);
}

LIST
{
    struct passing to = {.fn = fn, .arg = arg, .limit = limit};

    if (!after)
        n_given = 0;
    to.n_skipped = n_given;
    return good->list(blob, space, NULL, 0, pass, &to, err);
}

BREAK(list)
