/* breaks: runtime/outputs/list
 * over: runtime-local
 *
 * The list of outputs has one name. */
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

static int outputs(void *runtime, const char *attempt_id, ff_bytes_fn *fn, void *arg,
                   struct ff_err *err)
{
    struct reader r = {fn, arg};

    return good->outputs(runtime, attempt_id, read_once, &r, err);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->outputs = outputs;
}
