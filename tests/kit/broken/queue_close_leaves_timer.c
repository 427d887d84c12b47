/* breaks: queue/close/leaves-nothing
 * over: queue-memory
 *
 * A timer outlives its session and shows its first subscriber a message. */
#include "broken_queue.h"

static struct relayed first;
static char topic_of_first[256];

static void on_time(void *arg)
{
    const struct ff_message m = {.struct_size = sizeof(m),
                                 .delivery = 1,
                                 .topic = topic_of_first,
                                 .id = "late",
                                 .receipt = "late"};

    (void)arg;
    first.fn(first.arg, &m);
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    if (!first.fn) {
        first = (struct relayed){fn, arg};
        snprintf(topic_of_first, sizeof(topic_of_first), "%s", topic);
    }
    return good->subscribe(queue, topic, credit, fn, arg, err);
}

static void close_session(void *queue)
{
    host->timer_add(host->self, 10000, on_time, NULL);
    good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->close = close_session;
}
