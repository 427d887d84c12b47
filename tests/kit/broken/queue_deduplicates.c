/* breaks: queue/publish/same-id
 * over: queue-memory
 *
 * A message whose id was seen before is taken for the same one, for ever. */
#include "broken_queue.h"

static bool seen(const char *id)
{
    static char *ids[1000];
    static size_t n;

    for (size_t i = 0; i < n; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    if (n < 1000)
        ids[n++] = strdup(id);
    return false;
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    if (n == 1 && seen(messages->id))
        succeed(op);
    else
        good->publish(queue, messages, n, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
