/* breaks: queue/publish/batch
 * over: queue-memory
 *
 * Of many messages in one call the first one is published. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    good->publish(queue, messages, n > 1 ? 1 : n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
