/* breaks: queue/close/keeps
 * over: queue-memory
 *
 * The messages of a session go out after a while, and not if it is closed by then. */
#include "broken_queue.h"

struct later {
    struct ff_timer *timer;
    struct ff_message message;
    char topic[300], id[300];
};

static struct later all[100];
static void *publisher;
static size_t n_all;

static void on_time(void *arg)
{
    struct later *l = arg;

    l->timer = NULL;
    good->publish(publisher, &l->message, 1, SPARE_OP);
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    struct later *l = &all[n_all];

    if (n != 1 || n_all == 100) {
        good->publish(queue, messages, n, op);
        return;
    }
    n_all++;
    publisher = queue;
    l->message = *messages;
    snprintf(l->topic, sizeof(l->topic), "%s", messages->topic);
    snprintf(l->id, sizeof(l->id), "%s", messages->id);
    l->message.topic = l->topic;
    l->message.id = l->id;
    l->message.len = 0;
    l->timer = host->timer_add(host->self, 100000, on_time, l);
    succeed(op);
}

static void close_session(void *queue)
{
    for (size_t i = 0; i < n_all; i++)
        if (all[i].timer && publisher == queue) {
            host->timer_del(host->self, all[i].timer);
            all[i].timer = NULL;
        }
    good->close(queue);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->publish = publish;
    ops->close = close_session;
}
