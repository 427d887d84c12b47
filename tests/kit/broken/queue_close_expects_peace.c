/* breaks: queue/close/while-called
 * over: queue-memory
 *
 * A session that is closed while its subscriber is called is a mistake that cannot
 * happen. */
#include "broken_queue.h"

static bool in_call;

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;

    in_call = true;
    to->fn(to->arg, m);
    in_call = false;
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    return good->subscribe(queue, topic, credit, relay, relay_to(fn, arg), err);
}

static void close_session(void *queue)
{
    if (in_call)
        abort();
    good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->close = close_session;
}
