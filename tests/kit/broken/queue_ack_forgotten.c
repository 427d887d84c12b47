/* breaks: queue/ack/gone
 * over: queue-memory
 *
 * The first ack is taken and forgotten. */
#include "broken_queue.h"

static void ack(void *queue, const char *const *receipts, size_t n, struct ff_op *op)
{
    static int count;

    if (count++ > 0)
        good->ack(queue, receipts, n, op);
    else
        succeed(op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->ack = ack;
}
