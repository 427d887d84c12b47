/* breaks: queue/broadcast/to-all
 * breaks: queue/broadcast/without-credit
 * breaks: queue/broadcast/to-nobody
 * over: queue-memory
 *
 * A broadcast is a message like any other. */
#include "broken_queue.h"

static void broadcast(void *queue, const struct ff_message *message, struct ff_op *op)
{
    good->publish(queue, message, 1, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->broadcast = broadcast;
}
