/* breaks: queue/publish/too-large
 * over: queue-memory
 *
 * It refuses and does not say why. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    if (n == 1 && messages->len > 64u * 1024)
        fail(op, FF_INVALID, "");
    else
        good->publish(queue, messages, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
