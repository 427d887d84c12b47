/* breaks: queue/unsubscribe/silent
 * breaks: queue/unsubscribe/while-called
 * over: queue-memory
 *
 * Those who unsubscribe are called on. */
#include "broken_queue.h"

static void unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    (void)queue;
    (void)topic;
    succeed(op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->unsubscribe = unsubscribe;
}
