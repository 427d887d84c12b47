/* breaks: queue/shared/seen
 * breaks: queue/shared/broadcast
 * over: queue-shared
 *
 * Each process has topics of its own, though it says that they are shared. */
#include "broken_queue.h"

#include <unistd.h>

static void own(char out[256], const char *topic)
{
    snprintf(out, 256, "%.200s %d", topic, (int)getpid());
}

static void relay(void *arg, const struct ff_message *m)
{
    const struct relayed *to = arg;
    struct ff_message copy = *m;
    char topic[256];

    snprintf(topic, sizeof(topic), "%.*s", (int)(strrchr(m->topic, ' ') - m->topic),
             m->topic);
    copy.topic = topic;
    to->fn(to->arg, &copy);
}

static int subscribe(void *queue, const char *topic, uint32_t credit, ff_deliver_fn *fn,
                     void *arg, struct ff_err *err)
{
    char topic_of_ours[256];

    own(topic_of_ours, topic);
    return good->subscribe(queue, topic_of_ours, credit, relay, relay_to(fn, arg), err);
}

static void publish(void *queue, const struct ff_message *messages, size_t n,
                    struct ff_op *op)
{
    struct ff_message copy = *messages;
    char topic[256];

    (void)n;
    own(topic, messages->topic);
    copy.topic = topic;
    good->publish(queue, &copy, 1, op);
}

static void broadcast(void *queue, const struct ff_message *message, struct ff_op *op)
{
    struct ff_message copy = *message;
    char topic[256];

    own(topic, message->topic);
    copy.topic = topic;
    good->broadcast(queue, &copy, op);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->subscribe = subscribe;
    ops->publish = publish;
    ops->broadcast = broadcast;
}
