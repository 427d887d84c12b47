/* queue_sample.c - a queue in the memory of one process.
 *
 * Made from FlowForge's template for queue drivers. It is true to the whole contract
 * for one process; what is yours to do:
 *
 *   TODO  carry the messages to other processes (hub.c) and say so: FF_QUEUE_SHARED
 *   TODO  the options that your server needs: address, user, password (options)
 *   TODO  complete operations when the server has answered, with FF_UNAVAILABLE where
 * it does not; those that are open when close() comes with FF_CANCELLED */
#include "hub.h"

#include <pthread.h>
#include <stdlib.h>

/* The core fills this from the section `queue-sample` of the config file and from
 * FLOWFORGE_QUEUE_SAMPLE_..., before open(). It outlives the session. */
struct config {
    int64_t max_credit;
};

static const struct ff_opt options[] = {
    {.name = "max_credit",
     .help = "messages that one subscriber may have at a time",
     .fallback = "100000",
     .type = FF_OPT_INT,
     .offset = offsetof(struct config, max_credit),
     .min = 1,
     .max = INT64_C(1000000)},
    {0},
};

struct session {
    struct hub *hub;
    const struct config *config;
};

/* Instances may live on loops of different threads; what is found is one loop's
 * alone. Those without sessions wait for a call of their loop. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hub *hubs;

static struct hub *hub_get(const struct ff_host *host)
{
    struct hub *h;

    pthread_mutex_lock(&mutex);
    for (h = hubs; h && (h->n_sessions == 0 || h->host->self != host->self);)
        h = h->next;
    if (!h) {
        h = hub_new(host);
        if (h) {
            h->next = hubs;
            hubs = h;
        }
    }
    if (h)
        h->n_sessions++;
    pthread_mutex_unlock(&mutex);
    return h;
}

void hub_ended(struct hub *h)
{
    struct hub **at = &hubs;

    pthread_mutex_lock(&mutex);
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    pthread_mutex_unlock(&mutex);
    hub_free(h);
}

/* What is under way sees that nobody is left, and ends it. */
static void hub_put(struct hub *h)
{
    size_t n_left;

    pthread_mutex_lock(&mutex);
    n_left = --h->n_sessions;
    pthread_mutex_unlock(&mutex);
    if (n_left == 0 && !h->posted)
        hub_ended(h);
}

/* --- the contract, in its order --- */

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s)
        s->hub = hub_get(host);
    if (!s || !s->hub) {
        free(s);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    }
    s->config = config;
    *queue = s;
    return FF_OK;
}

static void queue_close(void *queue)
{
    struct session *s = queue;

    if (!s)
        return;
    hub_unsubscribe(s->hub, s, NULL);
    hub_put(s->hub);
    free(s);
}

static void complete(const struct session *s, struct ff_op *op, int code,
                     const struct ff_err *err)
{
    const struct ff_host *host = s->hub->host;

    host->complete(host->self, op, code == FF_OK ? NULL : err);
}

static void queue_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    const struct session *s = queue;
    struct ff_err err;

    complete(s, op, hub_publish(s->hub, messages, n, &err), &err);
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    const struct session *s = queue;

    hub_settle(s->hub, receipts, n, -1);
    complete(s, op, FF_OK, NULL);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    const struct session *s = queue;

    hub_settle(s->hub, receipts, n, delay_us > 0 ? delay_us : 0);
    complete(s, op, FF_OK, NULL);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct session *s = queue;

    if ((int64_t)credit > s->config->max_credit)
        credit = (uint32_t)s->config->max_credit;
    return hub_subscribe(s->hub, s, topic, credit, fn, arg, err);
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    struct session *s = queue;
    struct ff_err err;
    int code = FF_OK;

    if (hub_unsubscribe(s->hub, s, topic) == 0)
        code = ff_fail(&err, FF_NOT_FOUND, 0, "topic %.80s: not subscribed", topic);
    complete(s, op, code, &err);
}

static void queue_broadcast(void *queue, const struct ff_message *message,
                            struct ff_op *op)
{
    const struct session *s = queue;
    struct ff_err err;

    complete(s, op, hub_broadcast(s->hub, message, &err), &err);
}

static const struct ff_queue_ops ops = {
    .open = queue_open,
    .close = queue_close,
    .publish = queue_publish,
    .ack = queue_ack,
    .nack = queue_nack,
    .subscribe = queue_subscribe,
    .unsubscribe = queue_unsubscribe,
    .broadcast = queue_broadcast,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops),
    .caps = FF_QUEUE_BROADCAST,
    .name = "sample",
    .version = DRIVER_VERSION,
    .summary = "messages in the memory of one process",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.queue = &ops,
};

FF_REGISTER_DRIVER(driver)
