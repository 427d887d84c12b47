/* breaks: runtime/cancel/whole-tree
 * over: runtime-local
 *
 * One that is being cancelled is told to have ended at once. */
#include "broken_runtime.h"

static struct ids told;

static bool change(struct ff_run_event *event)
{
    return !has_id(&told, event->attempt_id);
}

static void tell(void *arg)
{
    const int64_t now_us = host->now_us(host->self);
    const struct ff_run_event event = {.struct_size = sizeof(event),
                                       .state = FF_RUN_EXITED,
                                       .attempt_id = arg,
                                       .exit_code = 143,
                                       .signal = 15,
                                       .reason = FF_REASON_CANCELLED,
                                       .started_us = now_us,
                                       .ended_us = now_us};

    core_fn(core_arg, &event);
}

static void cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                   struct ff_op *op)
{
    add_id(&told, attempt_id);
    host->post(host->self, tell, told.items[told.n - 1]);
    good->cancel(runtime, attempt_id, grace_us, op);
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    change_event = change;
    ops->cancel = cancel;
}
