/* breaks: queue/ack/unknown-receipts
 * breaks: queue/ack/old-receipts
 * over: queue-memory
 *
 * Whatever the receipt, the newest message is meant. */
#include "broken_queue.h"

static char newest[64];

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;

    snprintf(newest, sizeof(newest), "%s", m->receipt ? m->receipt : "");
    to->fn(to->arg, m);
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    return good->subscribe(queue, topic, credit, relay, relay_to(fn, arg), err);
}

static void ack(void *queue, const char *const *receipts, size_t n, struct ff_op *op)
{
    const char *receipt = newest;

    good->ack(queue, n == 1 ? &receipt : receipts, n, op);
}

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    const char *receipt = newest;

    good->nack(queue, n == 1 ? &receipt : receipts, n, delay_us, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->ack = ack;
    ops->nack = nack;
}
