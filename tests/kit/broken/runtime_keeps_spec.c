/* breaks: runtime/start/copies
 * over: runtime-local
 *
 * What is passed to start is looked at later. */
#include "broken_runtime.h"

struct later {
    void *runtime;
    const struct ff_run_spec *spec;
    struct ff_op *op;
};

static void on_post(void *arg)
{
    struct later *l = arg;

    good->start(l->runtime, l->spec, l->op);
    free(l);
}

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct later *l = malloc(sizeof(*l));

    *l = (struct later){runtime, spec, op};
    host->post(host->self, on_post, l);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
}
