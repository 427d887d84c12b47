/* breaks: queue/credit/nack-frees
 * over: queue-memory
 *
 * A message that was nacked counts as out for ever. */
#include "broken_queue.h"

static struct relayed here;
static char here_topic[256];
static uint32_t here_credit;

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    here = (struct relayed){fn, arg};
    here_credit = credit;
    snprintf(here_topic, sizeof(here_topic), "%s", topic);
    return good->subscribe(queue, topic, credit, fn, arg, err);
}

static void nack(void *queue, const char *const *receipts, size_t n, int64_t delay_us,
                 struct ff_op *op)
{
    struct ff_err err;

    if (here_credit > 0)
        here_credit--;
    good->subscribe(queue, here_topic, here_credit, here.fn, here.arg, &err);
    good->nack(queue, receipts, n, delay_us, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->nack = nack;
}
