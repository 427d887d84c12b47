/* breaks: queue/close/completes
 * over: queue-memory
 *
 * Operations that are open at close are forgotten. */
#include "broken_queue.h"

static struct ff_op *ops_open[1000];
static size_t n_open;
static bool is_open;

static void on_post(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < n_open && is_open; i++)
        succeed(ops_open[i]);
    n_open = 0;
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    good->publish(queue, messages, n, SPARE_OP);
    is_open = true;
    ops_open[n_open++] = op;
    if (n_open == 1)
        host->post(host->self, on_post, NULL);
}

static void close_session(void *queue)
{
    is_open = false;
    good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
    ops->close = close_session;
}
