/* breaks: queue/shared/killed-holder
 * over: queue-shared
 *
 * A message that was delivered is done with. */
#include "broken_queue.h"

static void *session;

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;

    if (m->receipt)
        good->ack(session, &m->receipt, 1, SPARE_OP);
    to->fn(to->arg, m);
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    session = queue;
    return good->subscribe(queue, topic, credit, relay, relay_to(fn, arg), err);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
}
