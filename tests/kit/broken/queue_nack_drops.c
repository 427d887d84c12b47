/* breaks: queue/nack/again
 * over: queue-memory
 *
 * A message that is nacked is gone. */
#include "broken_queue.h"

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    (void)delay_us;
    good->ack(queue, receipts, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->nack = nack;
}
