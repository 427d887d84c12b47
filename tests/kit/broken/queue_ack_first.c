/* breaks: queue/ack/many
 * over: queue-memory
 *
 * Of many receipts in one call the first one counts. */
#include "broken_queue.h"

static void ack(void *queue, const char *const *receipts, size_t n, struct ff_op *op)
{
    good->ack(queue, receipts, n > 1 ? 1 : n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->ack = ack;
}
