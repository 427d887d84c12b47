/* breaks: queue/close/returns
 * over: queue-memory
 *
 * What a session had out is gone with it. */
#include "broken_queue.h"

static char out[1000][64];
static size_t n_out;

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;

    if (m->receipt && n_out < 1000)
        snprintf(out[n_out++], sizeof(out[0]), "%s", m->receipt);
    to->fn(to->arg, m);
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    return good->subscribe(queue, topic, credit, relay, relay_to(fn, arg), err);
}

static void drop_all(void *queue)
{
    while (n_out > 0) {
        const char *receipt = out[--n_out];

        good->ack(queue, &receipt, 1, SPARE_OP);
    }
}

static void close_session(void *queue)
{
    drop_all(queue);
    good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->close = close_session;
}
