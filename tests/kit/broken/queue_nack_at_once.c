/* breaks: queue/nack/delay
 * over: queue-memory
 *
 * The delay of a nack means nothing. */
#include "broken_queue.h"

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    (void)delay_us;
    good->nack(queue, receipts, n, 0, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->nack = nack;
}
