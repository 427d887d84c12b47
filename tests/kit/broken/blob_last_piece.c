/* breaks: blob/put/round-trip
 * over: blob-file
 *
 * Of large content the last piece does not come. */
#include "broken_blob.h"

#define LARGE 1000000

struct cutting {
    ff_blob_bytes_fn *fn;
    void *arg;
    uint64_t n_bytes;
};

static int pass(void *arg, const void *bytes, size_t len)
{
    struct cutting *c = arg;

    c->n_bytes += len;
    return c->n_bytes > LARGE ? 0 : c->fn(c->arg, bytes, len);
}

GET
{
    struct cutting c = {.fn = fn, .arg = arg};

    return good->get(blob, id, pass, &c, err);
}

BREAK(get)
