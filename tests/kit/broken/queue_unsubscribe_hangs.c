/* breaks: queue/unsubscribe/not-subscribed
 * over: queue-memory
 *
 * An unsubscribe of what is not subscribed is never completed. */
#include "broken_queue.h"

static bool somebody_left;

static void unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    good->unsubscribe(queue, topic, somebody_left ? SPARE_OP : op);
    somebody_left = true;
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->unsubscribe = unsubscribe;
}
