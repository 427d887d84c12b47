/* breaks: queue/publish/many-at-once
 * over: queue-memory
 *
 * An operation is completed a second time. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    good->publish(queue, messages, n, op);
    succeed(op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
