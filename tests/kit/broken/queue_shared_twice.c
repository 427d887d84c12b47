/* breaks: queue/shared/one-each
 * over: queue-shared
 *
 * Each tenth message is there twice. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    static int count;

    if (++count % 10 == 0)
        good->publish(queue, messages, n, SPARE_OP);
    good->publish(queue, messages, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
