/* doctor_queue.c - does the queue carry messages? One is published to a topic of its
 * own, to which this process listens, and comes back; it is acknowledged, so nothing of
 * it stays. */
#include "cli/admin/doctor.h"

#include <string.h>

/* Longer than drivers wait for their servers by default, so that they say what is
 * wrong. */
#define WAIT_US (7 * UNITS_SECOND)

struct asking {
    struct loop *loop;
    struct driver_instance *driver;
    const struct ff_queue_ops *ops;
    void *queue;
    char topic[ID_TEXT + 16];
    bool arrived;
    bool over;            /* nobody waits any more: what comes now stops no loop */
    struct ff_err failed; /* with a code: the queue said so */
};

static void stop_waiting(struct asking *a)
{
    if (!a->over)
        loop_stop(a->loop, 0);
    a->over = true;
}

static void on_acked(void *arg, int code, const struct ff_err *err)
{
    struct asking *a = arg;

    if (code != FF_OK && code != FF_CANCELLED)
        a->failed = *err;
    stop_waiting(a);
}

static void come_back(void *arg, const struct ff_message *message)
{
    struct asking *a = arg;

    a->arrived = true;
    a->ops->ack(a->queue, &message->receipt, 1, driver_op(a->driver, on_acked, a));
}

static void on_published(void *arg, int code, const struct ff_err *err)
{
    struct asking *a = arg;

    if (code == FF_OK || code == FF_CANCELLED)
        return;
    a->failed = *err;
    stop_waiting(a);
}

static void give_up(void *arg)
{
    stop_waiting(arg);
}

static void send_one(struct asking *a)
{
    const struct ff_message message = {.struct_size = sizeof(message),
                                       .delivery = 1,
                                       .topic = a->topic,
                                       .id = a->topic,
                                       .body = a->topic,
                                       .len = strlen(a->topic)};
    struct loop_timer *late = NULL;

    loop_timer_add(a->loop, WAIT_US, give_up, a, &late);
    a->ops->publish(a->queue, &message, 1, driver_op(a->driver, on_published, a));
    loop_run(a->loop);
    loop_timer_del(late);
}

static int ask(struct asking *a, struct ff_err *err)
{
    char id[ID_TEXT];

    id_make(loop_wall_us(a->loop), loop_random(a->loop), loop_random(a->loop), id);
    snprintf(a->topic, sizeof(a->topic), "doctor.%s", id);
    if (driver_open_queue(a->driver, &a->queue, err) != FF_OK)
        return err->code;
    if (a->ops->subscribe(a->queue, a->topic, 1, come_back, a, err) == FF_OK)
        send_one(a);
    a->ops->close(a->queue);
    return err->code;
}

int doctor_queue(struct doctor *d)
{
    struct asking a = {.loop = d->s->loop};
    const char *name = node_settings(d->s->node)->queue;
    const int64_t begun_us = loop_mono_us(a.loop);

    a.driver = node_open_queue(d->s->node, &d->err);
    if (!a.driver)
        return d->err.code;
    a.ops = driver_queue_ops(a.driver);
    d->remedy = "see engine.queue and the section of its driver: flowforge config show";

    const int code = ask(&a, &d->err);

    driver_instance_free(a.driver);
    if (code != FF_OK)
        return code;
    d->bad = a.failed.code != FF_OK || !a.arrived;
    if (a.failed.code != FF_OK)
        doctor_says(d, "%s: %s", name, a.failed.msg);
    else if (!a.arrived)
        doctor_says(d, "%s: no message came back within 7 seconds", name);
    else
        doctor_says(d, "%s carries messages; one took %lld ms to come back", name,
                    (long long)(loop_mono_us(a.loop) - begun_us) / 1000);
    return FF_OK;
}
