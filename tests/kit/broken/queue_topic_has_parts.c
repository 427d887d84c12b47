/* breaks: queue/publish/topics-apart
 * over: queue-memory
 *
 * A colon ends the topic. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    char topic[256];
    struct ff_message copy;

    if (n != 1) {
        good->publish(queue, messages, n, op);
        return;
    }
    copy = *messages;
    snprintf(topic, sizeof(topic), "%.*s", (int)strcspn(copy.topic, ":"), copy.topic);
    copy.topic = topic;
    good->publish(queue, &copy, 1, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
