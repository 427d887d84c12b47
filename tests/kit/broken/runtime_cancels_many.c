/* breaks: runtime/cancel/others-go-on
 * over: runtime-local
 *
 * cancel ends all whose ids begin so. */
#include "broken_runtime.h"

static struct ids started;

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    add_id(&started, spec->attempt_id);
    good->start(runtime, spec, op);
}

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    for (size_t i = 0; i < started.n; i++)
        if (strncmp(started.items[i], attempt_id, strlen(attempt_id)) == 0 &&
            strcmp(started.items[i], attempt_id) != 0)
            good->cancel(runtime, started.items[i], grace_us, SPARE_OP);
    good->cancel(runtime, attempt_id, grace_us, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
    ops->cancel = cancel;
}
