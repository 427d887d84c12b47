/* breaks: queue/random/calls
 * over: queue-memory
 *
 * Each third message that is nacked is lost. */
#include "broken_queue.h"

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    static int count;

    if (++count % 3 == 0)
        good->ack(queue, receipts, n, op);
    else
        good->nack(queue, receipts, n, delay_us, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->nack = nack;
}
