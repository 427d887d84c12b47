/* breaks: queue/deliver/may-call
 * over: queue-memory
 *
 * What a subscriber acks while it is called is overheard. */
#include "broken_queue.h"

static bool in_call;

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;

    in_call = true;
    to->fn(to->arg, m);
    in_call = false;
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    return good->subscribe(queue, topic, credit, relay, relay_to(fn, arg), err);
}

static void ack(void *queue, const char *const *receipts, size_t n, struct ff_op *op)
{
    if (in_call)
        succeed(op);
    else
        good->ack(queue, receipts, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->ack = ack;
}
