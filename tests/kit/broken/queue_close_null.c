/* breaks: queue/close/null
 * over: queue-memory
 *
 * close looks into what it is given. */
#include "broken_queue.h"

static void close_session(void *queue)
{
    void *first;

    memcpy(&first, queue, sizeof(first));
    if (first)
        good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->close = close_session;
}
