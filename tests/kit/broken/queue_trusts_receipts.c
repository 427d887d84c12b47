/* breaks: queue/unsubscribe/late-receipts
 * over: queue-memory
 *
 * A receipt from before an unsubscribe is a mistake that cannot happen. */
#include "broken_queue.h"

static bool somebody_left;

static void unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    somebody_left = true;
    good->unsubscribe(queue, topic, op);
}

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    if (somebody_left)
        abort();
    good->nack(queue, receipts, n, delay_us, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->unsubscribe = unsubscribe;
    ops->nack = nack;
}
