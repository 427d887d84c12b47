/* breaks: queue/ack/mixed
 * over: queue-memory
 *
 * One unknown receipt makes the whole call fail. */
#include "broken_queue.h"

static void ack(void *queue, const char *const *receipts, size_t n, struct ff_op *op)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(receipts[i]) != 16) {
            fail(op, FF_NOT_FOUND, "there is no such receipt");
            return;
        }
    good->ack(queue, receipts, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->ack = ack;
}
