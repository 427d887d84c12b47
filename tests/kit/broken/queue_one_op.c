/* breaks: queue/publish/many-at-once
 * over: queue-memory
 *
 * It remembers one operation at a time: a second one makes it forget the first. */
#include "broken_queue.h"

static struct ff_op *under_way;

static void on_post(void *arg)
{
    (void)arg;
    if (under_way)
        succeed(under_way);
    under_way = NULL;
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    good->publish(queue, messages, n, SPARE_OP);
    under_way = op;
    host->post(host->self, on_post, NULL);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
