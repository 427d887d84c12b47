/* breaks: queue/publish/copies
 * over: queue-memory
 *
 * What is passed to publish is looked at later. */
#include "broken_queue.h"

struct later {
    void *queue;
    const struct ff_message *messages;
    size_t n;
    struct ff_op *op;
};

static void on_post(void *arg)
{
    struct later *l = arg;

    good->publish(l->queue, l->messages, l->n, l->op);
    free(l);
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    struct later *l = malloc(sizeof(*l));

    *l = (struct later){queue, messages, n, op};
    host->post(host->self, on_post, l);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
}
