/* breaks: queue/publish/arrives-whole
 * breaks: queue/publish/bodies
 * over: queue-memory
 *
 * A body ends at its first NUL. */
#include "broken_queue.h"

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    struct ff_message *copy = calloc(n + 1, sizeof(*copy));

    for (size_t i = 0; i < n; i++) {
        copy[i] = messages[i];
        if (copy[i].len > 0)
            copy[i].len = strnlen(copy[i].body, copy[i].len);
    }
    good->publish(queue, copy, n, op);
    free(copy);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
