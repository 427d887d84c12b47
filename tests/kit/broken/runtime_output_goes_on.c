/* breaks: runtime/output/stop
 * over: runtime-local
 *
 * Who does not want more is given more. */
#include "broken_runtime.h"

struct reader {
    ff_bytes_fn *fn;
    void *arg;
};

static int read_on(void *arg, const void *bytes, size_t len)
{
    const struct reader *r = arg;

    r->fn(r->arg, bytes, len);
    return 0;
}

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    struct reader r = {fn, arg};

    return good->output(runtime, attempt_id, name, read_on, &r, err);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->output = output;
}
