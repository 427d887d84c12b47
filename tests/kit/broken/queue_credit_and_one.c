/* breaks: queue/credit/bounded
 * breaks: queue/credit/none
 * over: queue-memory
 *
 * One message more than the credit is out. */
#include "broken_queue.h"

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    return good->subscribe(queue, topic, credit + 1, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
}
