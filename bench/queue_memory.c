/* bench/queue_memory.c - messages a second through queue-memory: published, delivered
 * and acked, through the loader, the host and the loop, as the core does it.
 *
 *     queue_memory DRIVER_DIR [messages] */
#include "driver/driver.h"

#include <stdlib.h>
#include <string.h>

#define CREDIT 1024

struct bench {
    struct loop *loop;
    struct driver_instance *instance;
    const struct ff_queue_ops *ops;
    void *queue;
    size_t batch; /* messages to a publish, receipts to an ack */
    size_t total, published, acked;
    char receipts[CREDIT][32];
    const char *waiting[CREDIT];
    size_t n_waiting;
};

static void publish_batch(struct bench *b);

static void on_published(void *arg, int code, const struct ff_err *err)
{
    if (code != FF_OK) {
        fprintf(stderr, "%s\n", err->msg);
        exit(1);
    }
    publish_batch(arg);
}

static void publish_batch(struct bench *b)
{
    static const char body[64] = "a wake-up of about this size";
    struct ff_message messages[CREDIT];
    size_t n = b->batch;

    if (n > b->total - b->published)
        n = b->total - b->published;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        messages[i] = (struct ff_message){
            .struct_size = sizeof(messages[i]),
            .topic = "wake:17",
            .id = "0193c1f2-7b5a-7000-8000-000000000000",
            .body = body,
            .len = sizeof(body),
        };
    b->published += n;
    b->ops->publish(b->queue, messages, n, driver_op(b->instance, on_published, b));
}

static void on_message(void *arg, const struct ff_message *m)
{
    struct bench *b = arg;
    size_t i = b->n_waiting++;

    memcpy(b->receipts[i], m->receipt, strlen(m->receipt) + 1);
    b->waiting[i] = b->receipts[i];
    b->acked++;
    if (b->n_waiting < b->batch && b->acked < b->total)
        return;
    b->ops->ack(b->queue, b->waiting, b->n_waiting, driver_op(b->instance, NULL, NULL));
    b->n_waiting = 0;
    if (b->acked == b->total)
        loop_stop(b->loop, 0);
}

static void run(struct bench *b, size_t batch, size_t total)
{
    struct ff_err err;
    int64_t before;
    double seconds;

    b->batch = batch;
    b->total = total;
    b->published = b->acked = b->n_waiting = 0;
    before = loop_mono_us(b->loop);
    if (b->ops->subscribe(b->queue, "wake:17", CREDIT, on_message, b, &err) != FF_OK)
        exit(1);
    publish_batch(b);
    loop_run(b->loop);
    seconds = (double)(loop_mono_us(b->loop) - before) / 1e6;
    printf("%4zu to a call: %6.2f million messages/s, %4.0f ns each\n", batch,
           (double)total / seconds / 1e6, seconds * 1e9 / (double)total);
}

int main(int argc, char **argv)
{
    static struct bench b;
    size_t total = argc > 2 ? strtoul(argv[2], NULL, 10) : 5000000;
    struct ff_err err = {0};
    struct driver *d =
        driver_load(argc > 1 ? argv[1] : "", "queue-memory", FF_QUEUE, &err);

    b.loop = loop_new(&err);
    if (d && b.loop)
        b.instance = driver_instance_new(d, b.loop, NULL, "queue", &err);
    if (!b.instance || driver_open_queue(b.instance, &b.queue, &err) != FF_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    b.ops = driver_queue_ops(b.instance);
    run(&b, 1, total);
    run(&b, 16, total);
    run(&b, 256, total);
    b.ops->close(b.queue);
    driver_instance_free(b.instance);
    loop_free(b.loop);
    return 0;
}
