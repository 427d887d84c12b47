/* queue_fault.c - a filter that loses messages, doubles them and puts them off, which
 * is all that a queue is allowed to do to them. The store must make up for it. */
#include "../common/filter/dice.h"

#include <flowforge/filter.h>
#include <flowforge/queue.h>

#include <stdlib.h>

struct config {
    int64_t loss;
    int64_t duplication;
    int64_t reordering;
    int64_t delay_us;
    int64_t seed;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "loss",
     .help = "how many of a thousand messages are lost",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(loss)},
    {.name = "duplication",
     .help = "how many of a thousand messages come twice",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(duplication)},
    {.name = "reordering",
     .help = "how many of a thousand messages are put off, so that others overtake "
             "them",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = 1000,
     .offset = AT(reordering)},
    {.name = "delay",
     .help = "how long at most they are put off",
     .fallback = "100ms",
     .type = FF_OPT_SECONDS,
     .offset = AT(delay_us),
     .max = INT64_C(3600) * 1000000},
    {.name = "seed",
     .help = "the same seed does the same to the same messages; 0: another one each "
             "time, logged",
     .fallback = "0",
     .type = FF_OPT_INT,
     .max = INT64_MAX,
     .offset = AT(seed)},
    {0},
};

/* On the loop thread alone. */
struct session {
    const struct ff_host *host;
    const struct config *config;
    const struct ff_queue_ops *ops; /* of the next layer */
    void *below;
    struct dice dice;
    unsigned long long n_lost, n_doubled, n_late;
};

static int fault_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    const struct ff_next *next = ff_next_of(host, err);
    struct session *s;
    int code;

    if (!next)
        return FF_UNSUPPORTED;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->host = host;
    s->config = config;
    s->ops = next->ops.queue;
    s->dice.state = (uint64_t)s->config->seed;
    if (s->config->seed == 0)
        s->dice.state = host->random(host->self) >> 1;
    code = s->ops->open(next->host, next->config, &s->below, err);
    if (code != FF_OK) {
        free(s);
        return code;
    }
    ff_log(host, FF_INFO, "faults by seed %llu", (unsigned long long)s->dice.state);
    *queue = s;
    return FF_OK;
}

static void fault_close(void *queue)
{
    struct session *s = queue;

    if (!s)
        return;
    s->ops->close(s->below);
    ff_log(s->host, FF_INFO, "%llu messages lost, %llu doubled, %llu put off",
           s->n_lost, s->n_doubled, s->n_late);
    free(s);
}

/* --- what happens to messages --- */

static void put_off(struct session *s, struct ff_message *m)
{
    const int64_t now_us = s->host->now_us(s->host->self);
    const int64_t from_us = m->not_before_us > now_us ? m->not_before_us : now_us;

    m->not_before_us = from_us + dice_upto(&s->dice, s->config->delay_us);
    s->n_late++;
}

/* Every message throws three times, whatever comes of it, so that a change of one
 * option leaves what the others do. Returns the end of what is said. */
static struct ff_message *say(struct session *s, const struct ff_message *message,
                              struct ff_message *to)
{
    const int lost = dice_hits(&s->dice, s->config->loss);
    const int doubled = dice_hits(&s->dice, s->config->duplication);
    const int late = dice_hits(&s->dice, s->config->reordering);

    if (lost) {
        s->n_lost++;
        return to;
    }
    *to = *message;
    if (late)
        put_off(s, to);
    to++;
    if (doubled) {
        *to++ = *message;
        s->n_doubled++;
    }
    return to;
}

static void done(const struct session *s, struct ff_op *op, const struct ff_err *err)
{
    s->host->complete(s->host->self, op, err);
}

static void fault_publish(void *queue, const struct ff_message *messages, size_t n,
                          struct ff_op *op)
{
    struct session *s = queue;
    struct ff_message *said = calloc(n > 0 ? n : 1, 2 * sizeof(*said));
    struct ff_message *end = said;
    struct ff_err err;

    if (!said) {
        ff_fail(&err, FF_NO_MEMORY, 0, "out of memory for messages");
        done(s, op, &err);
        return;
    }
    for (size_t i = 0; i < n; i++)
        end = say(s, &messages[i], end);
    if (end > said)
        s->ops->publish(s->below, said, (size_t)(end - said), op);
    else
        done(s, op, NULL);
    free(said);
}

/* A broadcast has no receipt that could be late: it is lost, or comes. */
static void fault_broadcast(void *queue, const struct ff_message *message,
                            struct ff_op *op)
{
    struct session *s = queue;

    if (dice_hits(&s->dice, s->config->loss)) {
        s->n_lost++;
        done(s, op, NULL);
        return;
    }
    s->ops->broadcast(s->below, message, op);
}

/* --- what is passed on --- */

static void fault_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    const struct session *s = queue;

    s->ops->ack(s->below, receipts, n, op);
}

static void fault_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    const struct session *s = queue;

    s->ops->nack(s->below, receipts, n, delay_us, op);
}

static int fault_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    const struct session *s = queue;

    return s->ops->subscribe(s->below, topic, credit, fn, arg, err);
}

static void fault_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    const struct session *s = queue;

    s->ops->unsubscribe(s->below, topic, op);
}

static const struct ff_queue_ops ops = {
    .open = fault_open,
    .close = fault_close,
    .publish = fault_publish,
    .ack = fault_ack,
    .nack = fault_nack,
    .subscribe = fault_subscribe,
    .unsubscribe = fault_unsubscribe,
    .broadcast = fault_broadcast,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops),
    .caps = FF_QUEUE_BROADCAST | FF_QUEUE_SHARED,
    .name = "fault",
    .version = FLOWFORGE_VERSION,
    .summary = "loses, doubles and puts off messages, for tests",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.queue = &ops,
    .flags = FF_FILTER,
};

FF_REGISTER_DRIVER(driver)
