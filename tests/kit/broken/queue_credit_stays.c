/* breaks: queue/credit/raised
 * breaks: queue/credit/lowered
 * over: queue-memory
 *
 * The credit of the first subscribe holds for ever. */
#include "broken_queue.h"

static struct {
    void *queue;
    char topic[256];
} known[1000];
static size_t n_known;

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    for (size_t i = 0; i < n_known; i++)
        if (known[i].queue == queue && strcmp(known[i].topic, topic) == 0)
            return FF_OK;
    known[n_known].queue = queue;
    snprintf(known[n_known++].topic, sizeof(known[0].topic), "%s", topic);
    return good->subscribe(queue, topic, credit, fn, arg, err);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
}
