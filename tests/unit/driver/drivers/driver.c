/* A queue driver that carries nothing. Definitions break one rule each. */
#include <flowforge/queue.h>

struct config {
    int64_t second, first;
};

static int queue_open(const struct ff_host *host, const void *config, void **queue,
                      struct ff_err *err)
{
    (void)config;
    (void)err;
    *queue = (void *)(uintptr_t)host;
    return FF_OK;
}

static void queue_close(void *queue)
{
    (void)queue;
}

static void done(void *queue, struct ff_op *op)
{
    const struct ff_host *host = queue;

    host->complete(host->self, op, NULL);
}

__attribute__((unused)) static void queue_publish(void *queue,
                                                  const struct ff_message *messages,
                                                  size_t n, struct ff_op *op)
{
    (void)messages;
    (void)n;
    done(queue, op);
}

static void queue_ack(void *queue, const char *const *receipts, size_t n,
                      struct ff_op *op)
{
    (void)receipts;
    (void)n;
    done(queue, op);
}

static void queue_nack(void *queue, const char *const *receipts, size_t n,
                       int64_t delay_us, struct ff_op *op)
{
    (void)delay_us;
    queue_ack(queue, receipts, n, op);
}

static int queue_subscribe(void *queue, const char *topic, uint32_t credit,
                           ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    (void)queue;
    (void)topic;
    (void)credit;
    (void)fn;
    (void)arg;
    (void)err;
    return FF_OK;
}

static void queue_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    (void)topic;
    done(queue, op);
}

#ifndef PUBLISH
#define PUBLISH queue_publish
#endif

__attribute__((unused)) static const struct ff_queue_ops ops = {
    .open = queue_open,
    .close = queue_close,
    .publish = PUBLISH,
    .ack = queue_ack,
    .nack = queue_nack,
    .subscribe = queue_subscribe,
    .unsubscribe = queue_unsubscribe,
};

#ifndef OPTION_NAME
#define OPTION_NAME "second"
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE FF_OPT_INT
#endif
#ifndef OPTION_OFFSET
#define OPTION_OFFSET offsetof(struct config, second)
#endif
#ifndef OPTION_MIN
#define OPTION_MIN 0
#endif
#ifndef OPTION_MAX
#define OPTION_MAX 10
#endif

#define FIRST                                                                          \
    {                                                                                  \
        .name = "first", .type = FF_OPT_INT, .offset = offsetof(struct config, first)  \
    }
#define SECOND                                                                         \
    {                                                                                  \
        .name = OPTION_NAME, .fallback = "7", .type = OPTION_TYPE,                     \
        .offset = OPTION_OFFSET, .min = OPTION_MIN, .max = OPTION_MAX                  \
    }

#ifdef ENDLESS
/* 300 of them, and the names differ. */
#define NAMED(n)                                                                       \
    {                                                                                  \
        .name = #n, .type = FF_OPT_INT, .offset = (n - 1000) * 8                       \
    }
#define TEN(n)                                                                         \
    NAMED(n##0), NAMED(n##1), NAMED(n##2), NAMED(n##3), NAMED(n##4), NAMED(n##5),      \
        NAMED(n##6), NAMED(n##7), NAMED(n##8), NAMED(n##9)
#define HUNDRED(n)                                                                     \
    TEN(n##0), TEN(n##1), TEN(n##2), TEN(n##3), TEN(n##4), TEN(n##5), TEN(n##6),       \
        TEN(n##7), TEN(n##8), TEN(n##9)
static const struct ff_opt options[] = {HUNDRED(10), HUNDRED(11), HUNDRED(12), {0}};
#define CONFIG_SIZE 8000
#else
static const struct ff_opt options[] = {FIRST, SECOND, {0}};
#endif

#ifndef MAGIC
#define MAGIC FF_DRIVER_MAGIC
#endif
#ifndef ABI_MAJOR
#define ABI_MAJOR FF_ABI_MAJOR
#endif
#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof(struct ff_driver)
#endif
#ifndef OPS_SIZE
#define OPS_SIZE sizeof(ops)
#endif
#ifndef KIND
#define KIND FF_QUEUE
#endif
#ifndef THREADS
#define THREADS FF_ON_LOOP
#endif
#ifndef CAPS
#define CAPS 0
#endif
#ifndef NAME
#define NAME "good"
#endif
#ifndef VERSION
#define VERSION "1.2.3"
#endif
#ifndef CONFIG_SIZE
#define CONFIG_SIZE sizeof(struct config)
#endif
#ifndef OPS
#define OPS &ops
#endif

static const struct ff_driver driver = {
    .magic = MAGIC,
    .abi_major = ABI_MAJOR,
    .struct_size = STRUCT_SIZE,
    .ops_size = OPS_SIZE,
    .kind = KIND,
    .threads = THREADS,
    .caps = CAPS,
    .name = NAME,
    .version = VERSION,
    .summary = "carries nothing",
    .opts = options,
    .config_size = CONFIG_SIZE,
    .ops.queue = OPS,
};

#ifndef SAYS_NOTHING
#define SAYS_NOTHING 0
#endif

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
const struct ff_driver *ff_driver_entry(void)
{
    return SAYS_NOTHING ? NULL : &driver;
}
