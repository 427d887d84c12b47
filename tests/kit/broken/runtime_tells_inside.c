/* breaks: runtime/event/outside-of-calls
 * over: runtime-local
 *
 * adopt tells at once whom it does not know. */
#include "broken_runtime.h"

static struct ids started;

static void start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    add_id(&started, spec->attempt_id);
    good->start(runtime, spec, op);
}

static void adopt(void *runtime, const char *const *attempt_ids, size_t n,
                  struct ff_op *op)
{
    struct ff_run_event event = {.struct_size = sizeof(event), .state = FF_RUN_LOST};

    for (size_t i = 0; i < n; i++)
        if (!has_id(&started, attempt_ids[i])) {
            event.attempt_id = attempt_ids[i];
            core_fn(core_arg, &event);
        }
    good->adopt(runtime, attempt_ids, n, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->start = start;
    ops->adopt = adopt;
}
