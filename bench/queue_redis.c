/* bench/queue_redis.c - messages a second through queue-redis, and how long one takes
 * whose topic was empty: published, delivered and acked, through the loader, the host
 * and the loop, as the core does it. The same by bare commands is
 * bench/limits/redis_stream.c. Prints one JSON line.
 *
 *     queue_redis DRIVER_DIR ADDRESS MESSAGES MESSAGES_TO_A_CALL HOPS */
#include "config/config.h"
#include "driver/driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BATCH 500
#define CREDIT    1024
#define WINDOW    2 /* publishes under way */
#define TOPIC     "wake:17"

struct bench {
    struct loop *loop;
    struct driver_instance *instance;
    const struct ff_queue_ops *ops;
    void *queue;
    size_t batch, total, published, acked, done;
    char receipts[MAX_BATCH][32];
    const char *waiting[MAX_BATCH];
    size_t n_waiting;
    int64_t *hops_ns, sent_ns;
    size_t n_hops;
};

static void check(int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- as many as it takes --- */

static void publish_batch(struct bench *b);

static void on_published(void *arg, int code, const struct ff_err *err)
{
    check(code, err);
    publish_batch(arg);
}

static void publish(struct bench *b, size_t n, driver_done_fn *fn)
{
    static const char body[64] = "a wake-up of about this size";
    struct ff_message messages[MAX_BATCH];

    for (size_t i = 0; i < n; i++)
        messages[i] = (struct ff_message){
            .struct_size = sizeof(messages[i]),
            .topic = TOPIC,
            .id = "0193c1f2-7b5a-7000-8000-000000000000",
            .body = body,
            .len = sizeof(body),
        };
    b->ops->publish(b->queue, messages, n, driver_op(b->instance, fn, b));
}

static void publish_batch(struct bench *b)
{
    const size_t left = b->total - b->published;
    const size_t n = left < b->batch ? left : b->batch;

    b->published += n;
    if (n > 0)
        publish(b, n, on_published);
}

/* The last acknowledgement counts too. */
static void on_acked(void *arg, int code, const struct ff_err *err)
{
    struct bench *b = arg;

    check(code, err);
    b->done++;
    if (b->acked == b->total && b->done * b->batch >= b->total)
        loop_stop(b->loop, 0);
}

static void on_message(void *arg, const struct ff_message *m)
{
    struct bench *b = arg;
    const size_t i = b->n_waiting++;

    snprintf(b->receipts[i], sizeof(b->receipts[i]), "%s", m->receipt);
    b->waiting[i] = b->receipts[i];
    b->acked++;
    if (b->n_waiting < b->batch && b->acked < b->total)
        return;
    b->ops->ack(b->queue, b->waiting, b->n_waiting,
                driver_op(b->instance, on_acked, b));
    b->n_waiting = 0;
}

static double run_many(struct bench *b)
{
    struct ff_err err;
    int64_t began_ns;

    check(b->ops->subscribe(b->queue, TOPIC, CREDIT, on_message, b, &err), &err);
    began_ns = now_ns();
    for (int i = 0; i < WINDOW; i++)
        publish_batch(b);
    loop_run(b->loop);
    return (double)b->total * 1e9 / (double)(now_ns() - began_ns);
}

/* --- one by one --- */

static void on_one_published(void *arg, int code, const struct ff_err *err)
{
    (void)arg;
    check(code, err);
}

static void hop(struct bench *b)
{
    b->sent_ns = now_ns();
    publish(b, 1, on_one_published);
}

static void on_one_acked(void *arg, int code, const struct ff_err *err)
{
    struct bench *b = arg;

    check(code, err);
    if (b->done == b->n_hops)
        loop_stop(b->loop, 0);
    else
        hop(b);
}

static void on_one(void *arg, const struct ff_message *m)
{
    struct bench *b = arg;

    b->hops_ns[b->done++] = now_ns() - b->sent_ns;
    b->ops->ack(b->queue, &m->receipt, 1, driver_op(b->instance, on_one_acked, b));
}

static int by_size(const void *x, const void *y)
{
    const int64_t a = *(const int64_t *)x;
    const int64_t b = *(const int64_t *)y;

    return (a > b) - (a < b);
}

static double run_hops(struct bench *b)
{
    const size_t middle = b->n_hops / 2;
    struct ff_err err;

    b->done = 0;
    b->hops_ns = calloc(b->n_hops, sizeof(*b->hops_ns));
    if (!b->hops_ns)
        exit(1);
    check(b->ops->subscribe(b->queue, TOPIC, CREDIT, on_one, b, &err), &err);
    hop(b);
    loop_run(b->loop);
    qsort(b->hops_ns, b->n_hops, sizeof(*b->hops_ns), by_size);
    return (double)b->hops_ns[middle] / 1e3;
}

/* --- the whole --- */

static void open_queue(struct bench *b, const char *drivers, const char *address)
{
    char *none[] = {NULL};
    struct ff_err err = {0};
    struct config *config = config_load("/dev/null", none, &err);
    struct driver *d = driver_load(drivers, "queue-redis", FF_QUEUE, &err);
    char setting[300];

    b->loop = loop_new(&err);
    if (!config || !d || !b->loop)
        check(FF_INTERNAL, &err);
    snprintf(setting, sizeof(setting), "redis.addresses=%s", address);
    check(config_set(config, setting, &err), &err);
    b->instance = driver_instance_new(d, b->loop, config, "queue", &err);
    if (!b->instance)
        check(FF_INTERNAL, &err);
    check(driver_open_queue(b->instance, &b->queue, &err), &err);
    b->ops = driver_queue_ops(b->instance);
    config_free(config);
}

int main(int argc, char **argv)
{
    static struct bench b;
    double per_s;

    if (argc == 6) {
        b.total = strtoul(argv[3], NULL, 10);
        b.batch = strtoul(argv[4], NULL, 10);
        b.n_hops = strtoul(argv[5], NULL, 10);
    }
    if (b.batch < 1 || b.batch > MAX_BATCH || b.total < b.batch || b.n_hops < 1) {
        fprintf(stderr, "usage: queue_redis DRIVER_DIR ADDRESS MESSAGES TO_A_CALL "
                        "HOPS\n");
        return 2;
    }
    open_queue(&b, argv[1], argv[2]);
    per_s = run_many(&b);
    printf("{\"messages_per_s\": %.0f, \"hop_p50_us\": %.1f}\n", per_s, run_hops(&b));
    b.ops->close(b.queue);
    driver_instance_free(b.instance);
    loop_free(b.loop);
    free(b.hops_ns);
    return 0;
}
