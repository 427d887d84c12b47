/* breaks: runtime/output/read
 * over: runtime-local
 *
 * Of an output the first 64 KiB are read. */
#include "broken_runtime.h"

struct reader {
    ff_bytes_fn *fn;
    void *arg;
};

static int read_once(void *arg, const void *bytes, size_t len)
{
    const struct reader *r = arg;

    r->fn(r->arg, bytes, len);
    return 1;
}

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    struct reader r = {fn, arg};

    return good->output(runtime, attempt_id, name, read_once, &r, err);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->output = output;
}
