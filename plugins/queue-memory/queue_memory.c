/* queue_memory.c - a queue in the memory of one process.
 *
 * The sessions of one instance share their topics; nobody else sees them, and what is
 * there when the last session closes is gone. The store says it all again. */
#include "hub.h"

#include <pthread.h>
#include <stdlib.h>

struct config {
    int64_t max_messages;
    int64_t max_bytes;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "max_messages",
     .help = "messages held at most; publishing more is refused as full",
     .fallback = "1000000",
     .type = FF_OPT_INT,
     .offset = AT(max_messages),
     .min = 1,
     .max = INT64_C(100) * 1000 * 1000},
    {.name = "max_bytes",
     .help = "memory for messages; publishing beyond it is refused as full",
     .fallback = "1GiB",
     .type = FF_OPT_SIZE,
     .offset = AT(max_bytes),
     .min = INT64_C(64) * 1024,
     .max = INT64_C(1) << 40},
    {0},
};

struct session {
    struct hub *hub;
};

/* Sessions may be opened on several loops at once, one thread each. A hub itself is
 * its loop's alone. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hub *hubs;   /* in use, by mutex */
static struct hub *ending; /* waiting for the call that they asked for, by mutex */

static struct hub *find_hub(const struct ff_host *host)
{
    for (struct hub *h = hubs; h; h = h->next)
        if (h->host->self == host->self)
            return h;
    return NULL;
}

static struct hub *add_hub(const struct ff_host *host, const struct config *config)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->host = host;
    h->max_messages = (size_t)config->max_messages;
    h->max_bytes = (size_t)config->max_bytes;
    h->next = hubs;
    hubs = h;
    return h;
}

static void move(struct hub *h, struct hub **from, struct hub **to)
{
    while (*from != h)
        from = &(*from)->next;
    *from = h->next;
    if (to) {
        h->next = *to;
        *to = h;
    }
}

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    struct session *s = calloc(1, sizeof(*s));

    pthread_mutex_lock(&mutex);
    if (s) {
        s->hub = find_hub(host);
        if (!s->hub)
            s->hub = add_hub(host, config);
        if (s->hub)
            s->hub->n_sessions++;
    }
    pthread_mutex_unlock(&mutex);
    if (!s || !s->hub) {
        free(s);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a queue");
    }
    *queue = s;
    return FF_OK;
}

/* Ends a hub without sessions, unless a call to it is under way or asked for. */
static void settle(struct hub *h, struct hub **list)
{
    bool busy = h->posted || h->in_call;

    if (list == &ending && busy)
        return;
    pthread_mutex_lock(&mutex);
    move(h, list, busy ? &ending : NULL);
    pthread_mutex_unlock(&mutex);
    if (busy)
        return;
    hub_done(h);
    free(h);
}

static void queue_close(void *queue)
{
    struct session *s = queue;
    struct hub *h = s ? s->hub : NULL;

    if (!s)
        return;
    hub_unsubscribe_all(h, s);
    free(s);
    if (--h->n_sessions == 0) {
        hub_stop(h);
        settle(h, &hubs);
    }
}

void hub_on_post(void *hub)
{
    struct hub *h = hub;

    h->posted = false;
    if (h->n_sessions > 0)
        hub_deliver(h);
    if (h->n_sessions == 0)
        settle(h, &ending);
}

static void complete(const struct hub *h, struct ff_op *op, int code,
                     const struct ff_err *err)
{
    h->host->complete(h->host->self, op, code == FF_OK ? NULL : err);
}

static void queue_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    struct hub *h = ((struct session *)queue)->hub;
    struct ff_err err;

    complete(h, op, hub_publish(h, messages, n, &err), &err);
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    struct hub *h = ((struct session *)queue)->hub;

    hub_ack(h, receipts, n);
    complete(h, op, FF_OK, NULL);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    struct hub *h = ((struct session *)queue)->hub;

    hub_nack(h, receipts, n, delay_us);
    complete(h, op, FF_OK, NULL);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    struct session *s = queue;

    return hub_subscribe(s->hub, s, topic, credit, fn, arg, err);
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    struct session *s = queue;
    struct ff_err err;
    int code = FF_OK;

    if (!hub_unsubscribe(s->hub, s, topic))
        code = ff_fail(&err, FF_NOT_FOUND, 0, "topic %.80s: not subscribed",
                       topic ? topic : "");
    complete(s->hub, op, code, &err);
}

static void queue_broadcast(void *queue, const struct ff_message *message,
                            struct ff_op *op)
{
    struct hub *h = ((struct session *)queue)->hub;
    struct ff_err err;

    complete(h, op, hub_broadcast(h, message, &err), &err);
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
    .name = "memory",
    .version = FLOWFORGE_VERSION,
    .summary = "messages in the memory of one process, gone when it ends",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.queue = &ops,
};

FF_REGISTER_DRIVER(driver)
