/* breaks: queue/publish/many-topics
 * over: queue-memory
 *
 * There is room for 200 topics. */
#include "broken_queue.h"

static bool has_room(const char *topic)
{
    static char *topics[200];
    static size_t n;

    for (size_t i = 0; i < n; i++)
        if (strcmp(topics[i], topic) == 0)
            return true;
    if (n == 200)
        return false;
    topics[n++] = strdup(topic);
    return true;
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    if (n == 1 && !has_room(messages->topic))
        succeed(op);
    else
        good->publish(queue, messages, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
